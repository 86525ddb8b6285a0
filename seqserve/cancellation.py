"""Cancellation of a request: checked between two steps of long work."""

from __future__ import annotations

import math
import time


class Cancellation:
    """Ends at a deadline or when `cancel` is called; both methods may be called from any thread.

    `is_noticed` says whether the work has seen the end, so that its result may be incomplete.
    """

    is_noticed = False

    def __init__(self, deadline: float = math.inf) -> None:
        """Set the deadline, a time of `time.monotonic` in seconds."""
        self._deadline = deadline

    def cancel(self) -> None:
        """Cancel the request."""
        self._deadline = -math.inf

    @property
    def is_over(self) -> bool:
        """Whether the request is cancelled or past its deadline."""
        is_over = time.monotonic() >= self._deadline
        self.is_noticed |= is_over
        return is_over
