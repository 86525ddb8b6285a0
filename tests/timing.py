"""How the CPU time of a function grows with its text."""

from __future__ import annotations

import time
from collections.abc import Callable


def grows_linearly(
    run: Callable[[str], object],
    unit: str,
    n_chars: int = 4_000,
    between: str = "",
    after: str = "",
) -> bool:
    """Return whether eight times the text takes clearly less than 64 times as long.

    Args:
        run: The function; its result is not used.
        unit: Repeated to a text of `n_chars`, and to one of eight times as many.
        n_chars: Of the shorter text.
        between: Stands behind them, once.
        after: Stands at the end, as often as the unit.
    """

    def seconds(size: int) -> float:
        text = (unit * size)[:size] + between + after * (size // len(unit))
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            run(text)
            best = min(best, time.process_time() - start)
        return best

    return seconds(8 * n_chars) < 30 * max(seconds(n_chars), 1e-4)
