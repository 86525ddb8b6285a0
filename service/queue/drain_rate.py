"""The drain rate of a queue: texts and tokens per second of wall-clock time.

It includes padding, the transport to the engines and the concurrency of calls, so none of these has to be
modelled.
"""

from __future__ import annotations

_DECAY = 0.95  # per call: an exponential average over about 20 calls
_MIN_CALLS = 8  # before the rate is evidence
_FRESH_S = 10.0  # after the last call, for which the rate is evidence


class DrainRate:
    """Texts and tokens per second while calls are in flight.

    Sums are averaged, not rates: single texts weigh little beside a full batch, so the rate under load is
    known after a few full batches.
    """

    def __init__(self) -> None:
        self._busy_s = 0.0
        self._busy_s2 = 0.0  # sum of squares
        self._n_texts = 0.0
        self._n_tokens = 0.0
        self._n_tokens2 = 0.0  # sum of squares
        self._n_calls = 0
        self._since = 0.0

    def begin(self, now: float) -> None:
        """Record the start of a call while no other is in flight, or a call that failed.

        Args:
            now: In seconds, of any clock.
        """
        self._since = now

    def complete(self, now: float, n_texts: int, n_tokens: int) -> None:
        """Record the end of a call.

        Args:
            now: In seconds, of the same clock.
            n_texts: In its batch.
            n_tokens: In its batch, as estimated by the queue.
        """
        gap_s = now - self._since
        self._since = now
        self._busy_s = _DECAY * self._busy_s + gap_s
        self._busy_s2 = _DECAY * self._busy_s2 + gap_s**2
        self._n_texts = _DECAY * self._n_texts + n_texts
        self._n_tokens = _DECAY * self._n_tokens + n_tokens
        self._n_tokens2 = _DECAY * self._n_tokens2 + n_tokens**2
        self._n_calls += 1

    def tokens_per_s(self, now: float, batch_tokens: int) -> float | None:
        """Return the tokens per second with batches of a size; None without evidence for that size.

        Larger batches are faster, so the rate of recent calls is evidence only for batches that are not
        larger than twice their size. It is none while calls are few, or long ago.

        Args:
            now: In seconds, of the same clock.
            batch_tokens: In a batch, as estimated by the queue.
        """
        if self._n_calls < _MIN_CALLS or now - self._since > _FRESH_S:
            return None
        if self._n_tokens2 / self._n_tokens * 2 < batch_tokens:
            return None
        return self._n_tokens / self._busy_s if self._busy_s > 0 else None

    def seconds(self, n_texts: float, n_tokens: float) -> float:
        """Estimate the time until so many texts and tokens have left; 0 before the first call has ended.

        They leave in batches, so at least one call has to end first. At a random moment, the expected time
        until that is E[gap²] / (2 E[gap]), with the gaps between the ends of calls.

        Args:
            n_texts: Values below 0 count as 0; the same for tokens.
            n_tokens: As estimated by the queue.
        """
        if not self._busy_s:
            return 0.0
        until_next_s = self._busy_s2 / self._busy_s / 2
        share = max(n_texts / self._n_texts, n_tokens / self._n_tokens)
        return max(until_next_s, share * self._busy_s)
