"""The queue in front of one task's engines: bounded, fair, and never more than one call in flight.

No timer: whatever waits when the engines are free makes the next batch. A batch starts with the
request whose turn it is and takes in texts of similar length, so that little is spent on padding.
Requests take turns: one with many texts gives its place to the next after every batch. It knows no
HTTP and no task.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Generic, TypeVar

from seqserve.errors import DeadlineExceeded, Overloaded, SeqserveError, UnavailableError
from service import metrics
from service.logs import failure_fields, get_logger

W = TypeVar("W")  # what a call takes, one per text
R = TypeVar("R")  # what it gives, one per text

_WINDOW = 4  # texts looked at for one batch, in multiples of the largest batch
_MAX_RETRY_AFTER_S = 30
DOWN_SENTENCE = "The model does not answer at the moment; it is being restarted."


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: an estimate for budgets, from its UTF-8 bytes alone.

    English has some 4.5 bytes a token and Chinese 3 to 6, so a quarter of the bytes errs upwards.
    """
    return len(text.encode()) // 4 + 2


class QueueFull(Overloaded):
    """The queue has no room; `retry_after_s` is about when it will."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class BatchLimits:
    """Bounds of one queue; tokens are estimates.

    Args:
        queue_texts: Texts that may wait.
        queue_tokens: Tokens that may wait.
        batch_texts: Texts in one call.
        batch_tokens: Texts in one call times the longest of them, in tokens.
    """

    queue_texts: int
    queue_tokens: int
    batch_texts: int
    batch_tokens: int


@dataclass(frozen=True)
class Reply(Generic[R]):
    """What a call gives: per text a result or the error of that text, and the time inside the engine."""

    results: Sequence[R | SeqserveError]
    engine_s: float


@dataclass(frozen=True)
class Answer(Generic[R]):
    """What a request gets: results in the order of its texts, and where the time went."""

    results: list[R]
    engine_s: float
    queue_s: float


class ItemError(Exception):
    """One text of a request failed: which one, and why."""

    def __init__(self, index: int, error: SeqserveError) -> None:
        super().__init__(index)
        self.index = index
        self.error = error


@dataclass(eq=False)
class _Waiting(Generic[W, R]):
    """One request: the texts that still wait, and the results so far."""

    deadline: float
    done: asyncio.Future[None]
    pending: deque[_Text[W, R]] = field(default_factory=deque)
    results: dict[int, R] = field(default_factory=dict)
    n_texts: int = 0
    engine_s: float = 0.0


@dataclass(eq=False)
class _Text(Generic[W, R]):
    owner: _Waiting[W, R]
    index: int
    work: W
    n_tokens: int


class Batcher(Generic[W, R]):
    """Collects the texts of many requests into batches.

    Args:
        task: Label of the metrics.
        call: Computes one batch. May raise; then the requests in that batch fail, and only those.
        limits: Bounds of the queue and of a batch.
    """

    def __init__(
        self,
        task: str,
        call: Callable[[list[W]], Awaitable[Reply[R]]],
        limits: BatchLimits,
    ) -> None:
        self._task = task
        self._call = call
        self._limits = limits
        self._queue: deque[_Waiting[W, R]] = deque()
        self._n_texts = 0
        self._n_tokens = 0
        self._seconds_per_token = 0.0
        self._worker: asyncio.Task[None] | None = None

    @property
    def n_waiting(self) -> int:
        """Texts that wait for a batch."""
        return self._n_texts

    async def submit(self, works: Sequence[tuple[W, int]], deadline: float) -> Answer[R]:
        """Waits for the results of one request.

        Cancelling the call takes the texts that still wait out of the queue.

        Args:
            works: Per text what the call takes, and its estimated tokens; not empty.
            deadline: Event loop time after which nobody wants the answer.

        Raises:
            QueueFull: there is no room; nothing was queued.
            DeadlineExceeded: the deadline passed; what was not started never will be.
            ItemError: one of the texts failed.
            UnavailableError: the call itself failed.
        """
        started = time.perf_counter()  # uvloop's clock ticks in milliseconds
        request = self._enqueue(works, deadline)
        reason = "client_gone"
        try:
            async with asyncio.timeout_at(deadline):
                await request.done
        except TimeoutError:
            reason = "deadline"
            raise DeadlineExceeded("The deadline passed before the answer.") from None
        except (ItemError, UnavailableError):
            reason = "failed"
            raise
        finally:
            self._forget(request, reason)
        elapsed_s = time.perf_counter() - started
        results = [request.results[index] for index in range(request.n_texts)]
        return Answer(results, request.engine_s, max(0.0, elapsed_s - request.engine_s))

    def _enqueue(self, works: Sequence[tuple[W, int]], deadline: float) -> _Waiting[W, R]:
        n_tokens = sum(tokens for _, tokens in works)
        is_over = (
            self._n_texts + len(works) > self._limits.queue_texts
            or self._n_tokens + n_tokens > self._limits.queue_tokens
        )
        if is_over and self._queue:  # an empty queue takes any request that passed its own limits
            metrics.SHED.labels(self._task, "queue_full").inc(len(works))
            seconds = math.ceil(self._seconds_per_token * self._n_tokens)
            raise QueueFull(
                "The queue is full; nothing was computed. Retry after the time in Retry-After.",
                min(max(1, seconds), _MAX_RETRY_AFTER_S),
            )
        loop = asyncio.get_running_loop()
        request: _Waiting[W, R] = _Waiting(deadline, loop.create_future(), n_texts=len(works))
        for index, (work, tokens) in enumerate(works):
            request.pending.append(_Text(request, index, work, tokens))
        self._queue.append(request)
        self._count(len(works), n_tokens)
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return request

    def _forget(self, request: _Waiting[W, R], reason: str) -> None:
        """Takes what is left of a request out of the queue."""
        if request.done.done() and not request.done.cancelled():
            request.done.exception()  # marks it as seen, also when the waiter was cancelled meanwhile
        request.done.cancel()
        if request.pending:
            metrics.SHED.labels(self._task, reason).inc(len(request.pending))
            self._count(-len(request.pending), -sum(text.n_tokens for text in request.pending))
            request.pending.clear()
        if request in self._queue:
            self._queue.remove(request)

    def _count(self, n_texts: int, n_tokens: int) -> None:
        self._n_texts += n_texts
        self._n_tokens += n_tokens
        metrics.QUEUE_TEXTS.labels(self._task).set(self._n_texts)
        metrics.QUEUE_TOKENS.labels(self._task).set(self._n_tokens)

    async def _work(self) -> None:
        """Runs batches until nothing waits."""
        while self._queue:
            batch = self._next_batch()
            if batch:
                await self._run(batch)

    def _next_batch(self) -> list[_Text[W, R]]:
        """Takes the texts of one batch out of the queue; empty when all that waited were too late."""
        now = asyncio.get_running_loop().time()
        for request in list(self._queue):
            if request.done.done() or request.deadline <= now:
                self._queue.remove(request)  # its waiter is about to wake up and clear the rest
        n_window = _WINDOW * self._limits.batch_texts
        ranks = zip_longest(*(islice(request.pending, n_window) for request in self._queue))
        window = list(islice((text for rank in ranks for text in rank if text), n_window))
        if not window:
            return []
        batch = _similar_length(window, self._limits)
        for text in batch:
            text.owner.pending.remove(text)
        self._count(-len(batch), -sum(text.n_tokens for text in batch))
        self._queue.rotate(-1)
        for request in {text.owner for text in batch}:
            if not request.pending:
                self._queue.remove(request)
        return batch

    async def _run(self, batch: list[_Text[W, R]]) -> None:
        """Computes one batch and hands out what came of it."""
        n_padded = len(batch) * max(text.n_tokens for text in batch)
        metrics.BATCH_TEXTS.labels(self._task).observe(len(batch))
        metrics.BATCH_TOKENS.labels(self._task).observe(n_padded)
        try:
            reply = await self._call([text.work for text in batch])
            if len(reply.results) != len(batch):
                raise UnavailableError("one result per text was promised")
        except Exception as error:
            get_logger().error("batch failed", task=self._task, **failure_fields(error))
            for text in batch:
                _fail(text.owner, UnavailableError(DOWN_SENTENCE))
            return
        latest = reply.engine_s / n_padded
        known = self._seconds_per_token or latest
        self._seconds_per_token = 0.8 * known + 0.2 * latest
        for request in {text.owner for text in batch}:
            request.engine_s += reply.engine_s
        for text, result in zip(batch, reply.results, strict=True):
            if isinstance(result, SeqserveError):
                _fail(text.owner, ItemError(text.index, result))
                continue
            text.owner.results[text.index] = result
            if len(text.owner.results) == text.owner.n_texts and not text.owner.done.done():
                text.owner.done.set_result(None)


def _fail(request: _Waiting[W, R], error: Exception) -> None:
    if not request.done.done():
        request.done.set_exception(error)


def _similar_length(window: list[_Text[W, R]], limits: BatchLimits) -> list[_Text[W, R]]:
    """The first text of the window, with neighbours in length while the limits hold.

    Of the next shorter and the next longer text, the one that adds less padding comes in first.
    """
    by_length = sorted(window, key=lambda text: text.n_tokens)
    low = high = next(i for i, text in enumerate(by_length) if text is window[0])
    while high - low + 1 < limits.batch_texts:
        n_texts, longest = high - low + 1, by_length[high].n_tokens
        options: list[tuple[int, int, int]] = []  # padding added, low, high
        if low > 0:
            options.append((longest - by_length[low - 1].n_tokens, low - 1, high))
        if high + 1 < len(by_length):
            growth = by_length[high + 1].n_tokens - longest
            options.append((n_texts * growth, low, high + 1))
        fitting = [
            (padding, start, stop)
            for padding, start, stop in options
            if (n_texts + 1) * by_length[stop].n_tokens <= limits.batch_tokens
        ]
        if not fitting:
            break
        _, low, high = min(fitting)
    return by_length[low : high + 1]
