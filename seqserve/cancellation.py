"""Whether anybody still wants an answer: asked between two turns of long work."""

from __future__ import annotations

import math
import time


class Cancellation:
    """Ends at a deadline, or when somebody cancels; any thread may ask or cancel."""

    def __init__(self, deadline: float = math.inf) -> None:
        """Take a time of `time.monotonic`, in seconds."""
        self._deadline = deadline

    def cancel(self) -> None:
        """Say that the answer is not wanted any more."""
        self._deadline = -math.inf

    @property
    def is_over(self) -> bool:
        """Would an answer come for nobody?"""
        return time.monotonic() >= self._deadline
