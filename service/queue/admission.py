"""Admission control: which requests a queue accepts. It decides before anything is queued.

- The capacity is bounded in texts and tokens. One request counts as at most half of it, and the last quarter
  is reserved for requests that fit into one batch, so a large request does not lock out others.
- A request whose estimated completion is after its deadline is refused at once. Otherwise it would wait until
  its deadline, and take the place of requests that can be answered in time.
- After a refusal the queue is crowded, and it is kept short: a longer one would make all requests wait longer
  and answer no more of them. A burst may use the whole time until the deadline; lasting overload may not.

An estimate needs evidence: recent batches of about the size that the queue would send next. Without evidence,
only the capacity counts.
"""

from __future__ import annotations

import math
from typing import Any

from seqserve.errors import DeadlineExceeded, Overloaded
from service.queue.drain_rate import DrainRate
from service.queue.limits import BatchLimits
from service.queue.pending import PendingRequest

_LARGEST_SHARE = 1 / 2  # of the capacity, that one request counts for
_SHARE_OF_LARGE = 3 / 4  # of the capacity, that requests of several batches may fill
_USED_TIME = 3 / 4  # of the time until the deadline: estimates are not exact
_MAX_BATCH_S = 0.25  # of work in a batch: what is in flight delays all that comes later
_MIN_BATCH_TOKENS = 512  # that a batch may have on any machine
_CROWDED_S = 15.0  # after a refusal, in which a queue is crowded
_CROWDED_WAIT_S = 1.0  # for other requests, while the queue is crowded
_MAX_RETRY_AFTER_S = 30


class QueueFull(Overloaded):
    """The queue has no room, or cannot answer in time; `retry_after_s` estimates when it will."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Admission:
    """The occupancy of one queue, and the decision whether a request fits.

    Args:
        limits: Of the queue and of a batch.
        drain: How fast texts leave.
    """

    def __init__(self, limits: BatchLimits, drain: DrainRate) -> None:
        self.n_texts = 0
        self.n_tokens = 0
        self._limits = limits
        self._drain = drain
        self._largest = (  # texts and tokens that one request counts for
            max(1.0, limits.queue_texts * _LARGEST_SHARE),
            max(1.0, limits.queue_tokens * _LARGEST_SHARE),
        )
        self._counted_texts = 0.0
        self._counted_tokens = 0.0
        self._n_requests = 0
        self._n_in_flight = 0
        self._crowded_until = -math.inf

    def add(self, request: PendingRequest[Any, Any]) -> None:
        """Count the pending texts of a request that was accepted."""
        self._n_requests += 1
        self._count(0, 0, len(request.pending), request.n_pending_tokens)

    def remove(self, request: PendingRequest[Any, Any], n_texts: int, n_tokens: int) -> None:
        """Count texts that have left; called before they are removed from the request.

        Args:
            request: With pending texts.
            n_texts: How many of them leave.
            n_tokens: Of these.
        """
        texts, tokens = len(request.pending), request.n_pending_tokens
        self._count(texts, tokens, texts - n_texts, tokens - n_tokens)
        request.n_pending_tokens -= n_tokens
        self._n_requests -= n_texts == texts

    def send(self, n_tokens: int) -> None:
        """Count the tokens of a batch that is sent."""
        self._n_in_flight += n_tokens

    def complete(self, n_tokens: int) -> None:
        """Count the tokens of a batch that has returned, or failed."""
        self._n_in_flight -= n_tokens

    def batch_tokens(self, now: float, n_more: int = 0) -> int:
        """Return the largest batch at present, in tokens with padding.

        Args:
            now: Event loop time.
            n_more: Tokens that are queued in addition.
        """
        largest = self._limits.chunk_tokens(self.n_tokens + n_more)
        rate = self._drain.tokens_per_s(now, 1)
        if rate is None:
            return largest
        return min(largest, max(_MIN_BATCH_TOKENS, int(rate * _MAX_BATCH_S)))

    def check(self, n_texts: int, n_tokens: int, seconds: float, now: float) -> None:
        """Refuse a request that has no room, or that cannot be completed in time.

        Args:
            n_texts: Of the request.
            n_tokens: Of all its texts.
            seconds: Until its deadline.
            now: Event loop time.

        Raises:
            QueueFull: Because of other requests.
            DeadlineExceeded: Also alone, it could not be completed in time.
        """
        rate = self._rate(n_texts, n_tokens, now)
        if rate is not None and seconds > 0:
            _check_alone(n_tokens, seconds * _USED_TIME, rate)
        room_s = self.seconds_until_room(n_texts, n_tokens, seconds, now)
        is_full = room_s > 0 or max(self._excess(n_texts, n_tokens)) > 0
        if is_full and self._n_requests:  # an empty queue accepts any request
            self._crowded_until = now + _CROWDED_S
            raise QueueFull(
                "The queue is full; nothing was computed. Retry after the time in Retry-After.",
                min(max(1, math.ceil(room_s)), _MAX_RETRY_AFTER_S),
            )

    def check_pending(self, request: PendingRequest[Any, Any], now: float) -> None:
        """Refuse the queued texts of a request that cannot be completed in time.

        Raises:
            DeadlineExceeded: Not even if it were alone from now on.
        """
        n_tokens = request.n_pending_tokens
        if rate := self._drain.tokens_per_s(now, min(n_tokens, self.batch_tokens(now))):
            _check_alone(n_tokens, request.deadline - now, rate)

    def seconds_until_room(self, n_texts: int, n_tokens: int, seconds: float, now: float) -> float:
        """Estimate how long it takes until the queue has room for a request, and time; 0 if it has both.

        Args:
            n_texts: Of the request.
            n_tokens: Of all its texts.
            seconds: From its arrival to its deadline.
            now: Event loop time.
        """
        over_texts, over_tokens = self._excess(n_texts, n_tokens)
        room_s = 0.0
        if over_texts > 0 or over_tokens > 0:
            room_s = self._drain.seconds(
                min(over_texts, self.n_texts), min(over_tokens, self.n_tokens)
            )
        rate = self._rate(n_texts, n_tokens, now)
        return room_s if rate is None else max(room_s, self._late_s(n_tokens, seconds, rate, now))

    def _count(self, texts: int, tokens: int, new_texts: int, new_tokens: int) -> None:
        """Replace the numbers of a request by new ones."""
        most_texts, most_tokens = self._largest
        self.n_texts += new_texts - texts
        self.n_tokens += new_tokens - tokens
        self._counted_texts += min(new_texts, most_texts) - min(texts, most_texts)
        self._counted_tokens += min(new_tokens, most_tokens) - min(tokens, most_tokens)

    def _excess(self, n_texts: int, n_tokens: int) -> tuple[float, float]:
        """Return by how many texts and tokens a request exceeds the capacity that is open to it."""
        limits = self._limits
        is_small = n_texts <= limits.batch_texts and n_tokens <= limits.batch_tokens
        share = 1.0 if is_small else _SHARE_OF_LARGE
        texts = self._counted_texts + min(n_texts, self._largest[0])
        tokens = self._counted_tokens + min(n_tokens, self._largest[1])
        return texts - limits.queue_texts * share, tokens - limits.queue_tokens * share

    def _rate(self, n_texts: int, n_tokens: int, now: float) -> float | None:
        """Return the tokens per second with this request in the queue; None if there is no evidence."""
        texts, tokens = self.n_texts + n_texts, self.n_tokens + n_tokens
        of_texts = math.ceil(self._limits.batch_texts * tokens / texts)
        batch = min(tokens, of_texts, self.batch_tokens(now, n_tokens))
        return self._drain.tokens_per_s(now, batch)

    def _mean_tokens(self) -> float:
        """Return the mean length of the queued texts; a text over the largest batch is a batch of its own."""
        return self.n_tokens / max(1, self.n_texts)

    def _late_s(self, n_tokens: int, seconds: float, rate: float, now: float) -> float:
        """Estimate by how many seconds a request would be late.

        Every other request gets about one batch per round, and the request needs a round per batch. Usually
        nothing further is expected to arrive. While the queue is crowded, requests that leave are replaced,
        and those ahead may take `_CROWDED_WAIT_S` at most.

        Args:
            n_tokens: Of the request.
            seconds: Until its deadline.
            rate: Tokens per second.
            now: Event loop time.
        """
        is_crowded = now < self._crowded_until
        batch = self.batch_tokens(now, n_tokens)
        of_round = min(self.n_tokens, self._n_requests * max(batch, self._mean_tokens()))
        ahead = math.ceil(n_tokens / batch) * of_round
        if not is_crowded:
            ahead = min(ahead, self.n_tokens)
        late_s = (self._n_in_flight + ahead + n_tokens) / rate - seconds * _USED_TIME
        if is_crowded and of_round > _CROWDED_WAIT_S * rate:
            # The round gets shorter with every request that leaves, so in less time than the whole queue takes.
            late_s = max(late_s, (of_round + self.n_tokens) / 2 / rate - _CROWDED_WAIT_S)
        return max(0.0, late_s)


def _check_alone(n_tokens: int, seconds: float, rate: float) -> None:
    """Refuse what takes longer than its time.

    Raises:
        DeadlineExceeded: At this rate, in tokens per second.
    """
    if n_tokens > seconds * rate:
        raise DeadlineExceeded(
            f"About {int(seconds * rate)} of {n_tokens} tokens can be computed by the deadline (estimates, "
            "times the beam size). Send fewer or shorter texts, or a larger X-Timeout-Ms."
        )
