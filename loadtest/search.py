"""The highest rate that is held: steps up while it is, then halves of what is left."""

from __future__ import annotations

import math
from collections.abc import Callable

from loadtest.profiles import Search


def highest_held(search: Search, is_held: Callable[[float], bool]) -> tuple[float, float]:
    """Search for saturation; a rate that was missed is asked for again, as often as the search says.

    Args:
        search: Where to begin and when to end.
        is_held: Sends a rate, in requests a second, and says whether the objectives held.

    Returns:
        The highest rate that was held, 0 if none was, and the lowest that was not, infinite if all were.
    """

    def holds(rate: float) -> bool:
        return any(is_held(rate) for _ in range(search.tries))

    held, missed, rate = 0.0, math.inf, search.first_rate
    while missed == math.inf:
        if holds(rate):
            held = rate
            if rate >= search.max_rate:
                break
            rate = min(rate * search.factor, search.max_rate)
        else:
            missed = rate
    while held and missed < math.inf and missed > held * (1 + search.closeness):
        rate = math.sqrt(held * missed)
        held, missed = (rate, missed) if holds(rate) else (held, rate)
    return held, missed
