"""The limits of one queue: its capacity, the size of a batch, and the calls in flight."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MIN_CHUNK_TOKENS = 1024  # a smaller chunk does not pay for the overhead of a call


@dataclass(frozen=True)
class BatchLimits:
    """Limits of one queue; tokens are estimates.

    Args:
        queue_texts: Capacity in texts.
        queue_tokens: Capacity in tokens.
        batch_texts: Texts in one batch.
        batch_tokens: Texts in one batch times the longest of them, in tokens.
        concurrency: Calls in flight.
        base_concurrency: Calls in flight that are not slow.
        n_chunks: Into how many calls the queued texts are divided.
    """

    queue_texts: int
    queue_tokens: int
    batch_texts: int
    batch_tokens: int
    concurrency: int = 1
    base_concurrency: float = math.inf
    n_chunks: int = 1

    def chunk_tokens(self, n_tokens: int) -> int:
        """Return the largest batch, in tokens with padding, while `n_tokens` are queued."""
        if self.n_chunks == 1:
            return self.batch_tokens
        chunk = math.ceil(n_tokens / self.n_chunks)
        return min(self.batch_tokens, max(_MIN_CHUNK_TOKENS, chunk))
