"""Progress of long work in a log: one line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO


class LinePerMinute:
    """Write how far some work is, at most once in an interval.

    Args:
        what: Name of the work; begins every line.
        stream: Where lines go; standard error if not set.
        interval_s: Seconds between two lines, and before the first.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        what: str,
        stream: TextIO | None = None,
        interval_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._stream = stream
        self._interval_s = interval_s
        self._clock = clock
        self._started = self._last = clock()

    def tell(self, words: str) -> None:
        """Write a line if the last one is old enough.

        Args:
            words: How far the work is.
        """
        now = self._clock()
        if now - self._last < self._interval_s:
            return
        self._last = now
        minutes = (now - self._started) / 60
        line = ", ".join(filter(None, [words, f"{minutes:.0f} min"]))
        print(f"seqserve: {self._what}: {line}", file=self._stream or sys.stderr, flush=True)
