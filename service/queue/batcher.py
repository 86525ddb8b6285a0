"""The queue in front of one task's engines: bounded, fair, with a bounded number of calls in flight.

Idle engines wait for nobody: whatever is there makes the next batch. Where others are in flight, a
batch that is not full waits for company, some milliseconds at most. Much that waits is shared out
among calls. Calls that take long make room for others beside them, which a few calls at a time would
keep waiting. A batch starts with the request whose turn it is and takes in texts of similar length, so
that little is spent on padding. Requests take turns: one with many texts gives its place to the next
after every batch, and the last free call is kept for a request that has nothing in flight. It knows no
HTTP and no task.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Generic, TypeVar

from seqserve.errors import DeadlineExceeded, Overloaded, SeqserveError, UnavailableError
from service.queue.drain_rate import DrainRate
from service.queue.lengths import similar
from service.queue.limits import BatchLimits
from service.queue.pending import ItemError, PendingRequest, Text
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger

W = TypeVar("W")  # what a call takes, one per text
R = TypeVar("R")  # what it gives, one per text

_WINDOW = 4  # texts looked at for one batch, in multiples of the largest batch
_MAX_RETRY_AFTER_S = 30
_SPACING_S = 0.005  # from one call to the next beside it: each costs as much as some requests do
_QUICK_S = 0.2  # a call that takes longer is slow
DOWN_SENTENCE = "The model does not answer at the moment; it is being restarted."


class QueueFull(Overloaded):
    """The queue has no room; `retry_after_s` is about when it will."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Reply(Generic[R]):
    """What a call gives: per text a result or the error of that text, and the time inside the engine."""

    results: Sequence[R | SeqserveError]
    engine_s: float


@dataclass(frozen=True)
class Answer(Generic[R]):
    """What a request gets: results in the order of its texts, and where the time went.

    While several calls worked for it at once, that time counts once.
    """

    results: list[R]
    engine_s: float
    queue_s: float


class Batcher(Generic[W, R]):
    """Collects the texts of many requests into batches.

    Args:
        task: Label of the metrics.
        call: Computes one batch. May raise; then the requests in that batch fail, and only those.
        cancel: Told which texts in flight nobody waits for any more; they still have to come back.
        limits: Bounds of the queue, of a batch and of the flight.
    """

    def __init__(
        self,
        task: str,
        call: Callable[[list[W]], Awaitable[Reply[R]]],
        cancel: Callable[[list[W]], None],
        limits: BatchLimits,
    ) -> None:
        self._task = task
        self._series = metrics.of_task(task)
        self._call = call
        self._cancel = cancel
        self._limits = limits
        self._queue: dict[PendingRequest[W, R], None] = {}  # in order of their turns
        self._n_texts = 0
        self._n_tokens = 0
        self._drain = DrainRate()
        self._calls: set[asyncio.Task[None]] = set()
        self._slow: set[asyncio.Task[None]] = set()
        self._is_send_due = False
        self._not_before = -math.inf  # for a batch that could grow
        self._timer: asyncio.TimerHandle | None = None

    @property
    def n_waiting(self) -> int:
        """Texts that wait for a batch."""
        return self._n_texts

    def export_gauges(self) -> None:
        """Sets the gauges of the queue; done for every page of metrics, it costs a request nothing."""
        now = asyncio.get_running_loop().time()
        oldest_s = max((now - request.since for request in self._queue), default=0.0)
        self._series.queue_texts.set(self._n_texts)
        self._series.queue_tokens.set(self._n_tokens)
        self._series.queue_oldest_seconds.set(oldest_s)
        self._series.calls.set(len(self._calls))

    def seconds_until_room(self, n_texts: int, n_tokens: int) -> float:
        """About how long it takes until the queue has room, at the pace at which it empties.

        Args:
            n_texts: Of the request that wants in.
            n_tokens: Of all its texts.
        """
        over_texts = self._n_texts + n_texts - self._limits.queue_texts
        over_tokens = self._n_tokens + n_tokens - self._limits.queue_tokens
        if over_texts <= 0 and over_tokens <= 0:
            return 0.0
        return self._drain.seconds(min(over_texts, self._n_texts), min(over_tokens, self._n_tokens))

    async def submit(self, items: Sequence[tuple[W, int]], deadline: float) -> Answer[R]:
        """Waits for the results of one request.

        Cancelling it takes the texts that still wait out of the queue, and gives up those in flight.

        Args:
            items: Per text what the call takes, and its estimated tokens; not empty.
            deadline: Event loop time after which nobody wants the answer.

        Raises:
            QueueFull: there is no room; nothing was queued.
            DeadlineExceeded: the deadline passed, here or inside the engine; what was not started
                never will be.
            ItemError: one of the texts failed.
            UnavailableError: the call itself failed.
        """
        started = time.perf_counter()  # uvloop's clock ticks in milliseconds
        request = self._enqueue(items, deadline)
        timer = asyncio.get_running_loop().call_at(deadline, request.expire)
        reason = "client_gone"
        try:
            await request.done
        except (ItemError, UnavailableError) as error:
            reason = "deadline" if isinstance(error, DeadlineExceeded) else "failed"
            raise
        finally:
            timer.cancel()
            self._forget(request, reason)
            results, engine_s = request.results, request.engine_s()
            del request  # an error holds on to this frame, and it to the error
        elapsed_s = time.perf_counter() - started
        in_order = [results[index] for index in range(len(items))]
        return Answer(in_order, engine_s, max(0.0, elapsed_s - engine_s))

    def _enqueue(self, items: Sequence[tuple[W, int]], deadline: float) -> PendingRequest[W, R]:
        n_tokens = sum(tokens for _, tokens in items)
        is_over = (
            self._n_texts + len(items) > self._limits.queue_texts
            or self._n_tokens + n_tokens > self._limits.queue_tokens
        )
        if is_over and self._queue:  # an empty queue takes any request that passed its own limits
            self._series.shed["queue_full"].inc(len(items))
            seconds = math.ceil(self.seconds_until_room(len(items), n_tokens))
            raise QueueFull(
                "The queue is full; nothing was computed. Retry after the time in Retry-After.",
                min(max(1, seconds), _MAX_RETRY_AFTER_S),
            )
        loop = asyncio.get_running_loop()
        request: PendingRequest[W, R] = PendingRequest(
            deadline, loop.time(), loop.create_future(), n_texts=len(items)
        )
        for index, (work, tokens) in enumerate(items):
            request.pending.append(Text(request, index, work, tokens))
        self._queue[request] = None
        self._count(len(items), n_tokens)
        if not self._is_send_due:
            self._is_send_due = True
            loop.call_soon(self._send)  # after what else comes at this moment
        return request

    def _forget(self, request: PendingRequest[W, R], reason: str) -> None:
        """Takes what is left of a request out of the queue, and lets go of what is in flight."""
        if request.done.done() and not request.done.cancelled():
            request.done.exception()  # marks it as seen, also when the waiter was cancelled meanwhile
        request.done.cancel()
        if request.pending:
            self._series.shed[reason].inc(len(request.pending))
            self._count(-len(request.pending), -sum(text.n_tokens for text in request.pending))
            request.pending.clear()
        self._queue.pop(request, None)
        if given_up := request.give_up():
            self._series.abandoned[reason].inc(len(given_up))
            if reason != "deadline":  # which the engine knows itself
                self._cancel([text.work for text in given_up])

    def _count(self, n_texts: int, n_tokens: int) -> None:
        self._n_texts += n_texts
        self._n_tokens += n_tokens

    def _send(self) -> None:
        """Puts batches in flight as long as a call is free and somebody may have it."""
        self._is_send_due = False
        loop = asyncio.get_running_loop()
        max_tokens = self._limits.share(self._n_tokens)
        while self._n_places() > 0:
            now = loop.time()
            if (seconds := self._seconds_for_company(now, max_tokens)) > 0:
                self._timer = self._timer or loop.call_later(seconds, self._wake)
                return
            if not (batch := self._next_batch(max_tokens)):
                return
            if not self._calls:
                self._drain.begin(now)
            self._not_before = now + _SPACING_S
            call = loop.create_task(self._run(batch))
            self._calls.add(call)
            call.add_done_callback(self._land)
            if self._limits.quick_calls < self._limits.calls:
                loop.call_later(_QUICK_S, self._outlast, call)

    def _n_places(self) -> float:
        """How many calls more there may be."""
        n_quick = len(self._calls) - len(self._slow)
        return min(self._limits.calls - len(self._calls), self._limits.quick_calls - n_quick)

    def _seconds_for_company(self, now: float, max_tokens: int) -> float:
        """How long what waits may still be joined by others before it is sent; 0 where it goes at once."""
        is_full = self._n_texts >= self._limits.batch_texts or self._n_tokens >= max_tokens
        if not self._calls or not self._n_texts or is_full:
            return 0.0
        return max(0.0, self._not_before - now)

    def _wake(self) -> None:
        self._timer = None
        self._send()

    def _land(self, call: asyncio.Task[None]) -> None:
        self._calls.remove(call)
        self._slow.discard(call)
        self._send()

    def _outlast(self, call: asyncio.Task[None]) -> None:
        if call in self._calls:
            self._slow.add(call)
            self._send()

    def _next_batch(self, max_tokens: int) -> list[Text[W, R]]:
        """Takes the texts of one batch out of the queue; empty when no request may have a call."""
        limits = self._limits
        now = asyncio.get_running_loop().time()
        is_last = self._n_places() == 1
        n_window = _WINDOW * limits.batch_texts
        entitled = (
            request
            for request in self._queue
            if request.is_wanted(now) and not (is_last and request.in_flight)
        )
        line = list(islice(entitled, n_window))
        ranks = zip_longest(*(request.pending for request in line))  # no further than it is read
        window = list(islice((text for rank in ranks for text in rank if text), n_window))
        if not window:
            return []
        lengths = [text.n_tokens for text in window]
        batch = [window[i] for i in similar(lengths, limits.batch_texts, max_tokens)]
        for text in batch:
            text.owner.pending.remove(text)
            text.owner.in_flight.append(text)
        self._count(-len(batch), -sum(text.n_tokens for text in batch))
        self._queue[line[0]] = self._queue.pop(line[0])  # its next turn is the last
        for request in {text.owner for text in batch}:
            if not request.pending:
                del self._queue[request]
        return batch

    async def _run(self, batch: list[Text[W, R]]) -> None:
        """Computes one batch and hands out what came of it."""
        n_real = sum(text.n_tokens for text in batch)
        n_padded = len(batch) * max(text.n_tokens for text in batch)
        self._series.batch_texts.observe(len(batch))
        self._series.batch_tokens.observe(n_padded)
        self._series.batch_real_tokens.inc(n_real)
        self._series.padding_ratio.observe(1 - n_real / n_padded)
        try:
            reply = await self._call([text.work for text in batch])
            if len(reply.results) != len(batch):
                raise UnavailableError("one result per text was promised")
        except Exception as error:
            get_logger().error("batch failed", task=self._task, **failure_fields(error))
            for text in batch:
                text.owner.complete(text)
                text.owner.fail(UnavailableError(DOWN_SENTENCE))
            return
        self._drain.complete(asyncio.get_running_loop().time(), len(batch), n_real)
        now = time.perf_counter()
        for request in {text.owner for text in batch}:
            request.spans.append((now - reply.engine_s, now))
        for text, result in zip(batch, reply.results, strict=True):
            text.owner.resolve(text, result)
