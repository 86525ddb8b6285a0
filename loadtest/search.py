"""The highest rate that is held: steps up while it is, then halves of what is left."""

from __future__ import annotations

import math
from collections.abc import Callable

from loadtest.profiles import Search


def highest_held(search: Search, is_held: Callable[[float], bool | None]) -> tuple[float, float]:
    """Search for saturation; a rate that was missed is asked for again, as often as the search says.

    Args:
        search: Where to begin and when to end.
        is_held: Sends a rate, in requests a second, and says whether the objectives held; None where it
            cannot say. A rate of which no try can say ends the search.

    Returns:
        The highest rate that was held, 0 if none was, and the lowest that was not, infinite if all were.
    """
    held, missed, rate = 0.0, math.inf, search.first_rate
    while missed > held * (1 + search.closeness):
        found = _tried(search.tries, rate, is_held)
        if found:
            held = rate
        else:
            missed = rate
        if found is None or not held or held >= search.max_rate:
            break
        up = min(held * search.factor, search.max_rate)
        rate = up if missed == math.inf else math.sqrt(held * missed)
    return held, missed


def _tried(tries: int, rate: float, is_held: Callable[[float], bool | None]) -> bool | None:
    """Ask for a rate until it is held; None if no try could say."""
    seen = []
    for _ in range(tries):
        seen.append(is_held(rate))
        if seen[-1]:
            return True
    return False if False in seen else None
