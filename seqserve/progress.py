"""Progress of long work in a log: one line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO


class LinePerMinute:
    """Write how far some work is, at most once a minute.

    Args:
        what: Name of the work; begins every line.
        stream: Where lines go; standard error if not set.
        clock: Monotonic time in seconds.
    """

    INTERVAL_S = 60.0

    def __init__(
        self,
        what: str,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._stream = stream
        self._clock = clock
        self._started = self._last = clock()

    def tell(self, words: str) -> None:
        """Write a line if the last one is old enough.

        Args:
            words: How far the work is.
        """
        now = self._clock()
        if now - self._last < self.INTERVAL_S:
            return
        self._last = now
        minutes = (now - self._started) / 60
        line = ", ".join(filter(None, [words, f"{minutes:.0f} min"]))
        print(f"seqserve: {self._what}: {line}", file=self._stream or sys.stderr, flush=True)
