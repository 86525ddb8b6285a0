"""The bounds of one queue, of a batch, and of the calls that may be in flight."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SHARE_TOKENS = 1024  # a smaller share is not worth a call of its own


@dataclass(frozen=True)
class BatchLimits:
    """Bounds of one queue; tokens are estimates.

    Args:
        queue_texts: Texts that may wait.
        queue_tokens: Tokens that may wait.
        batch_texts: Texts in one call.
        batch_tokens: Texts in one call times the longest of them, in tokens.
        calls: Calls in flight.
        quick_calls: Of them, those that are not slow yet.
        shares: In how many calls what waits is best computed.
    """

    queue_texts: int
    queue_tokens: int
    batch_texts: int
    batch_tokens: int
    calls: int = 1
    quick_calls: float = math.inf
    shares: int = 1

    def share(self, n_tokens: int) -> int:
        """Tokens in one call, padding included, where so many wait: their share, within the bounds."""
        if self.shares == 1:  # all of it, whatever the padding
            return self.batch_tokens
        return min(self.batch_tokens, max(_SHARE_TOKENS, math.ceil(n_tokens / self.shares)))
