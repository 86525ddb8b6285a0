"""When requests start: at times that are given beforehand, whatever is still unanswered."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import repeat

PATTERNS = ("poisson", "regular")


def arrivals(
    stages: Sequence[tuple[float, float]], pattern: str, chance: random.Random
) -> Iterator[float]:
    """Give the times at which requests start, in seconds from the begin of the first stage.

    Args:
        stages: Seconds and requests a second, one after the other; a rate may be 0.
        pattern: `poisson`: independent of each other, as from many callers; `regular`: at equal distances.
        chance: Where chance comes from.

    Source: an inhomogeneous Poisson process is one of rate 1 whose clock runs at the rate (Cinlar 1975,
        Introduction to Stochastic Processes, section 4.7).
    """
    gaps = repeat(1.0) if pattern == "regular" else iter(lambda: chance.expovariate(1.0), None)
    begin, due = 0.0, next(gaps)  # due: expected number of arrivals from here to the next one
    for seconds, rate in stages:
        expected = seconds * rate
        while due < expected:
            yield begin + due / rate
            due += next(gaps)
        due -= expected
        begin += seconds
