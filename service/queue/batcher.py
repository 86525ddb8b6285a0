"""Dynamic batching: a bounded, fair queue in front of one task's engines.

- If no call is in flight, the queued texts are sent at once. Otherwise a batch that is not full lingers
  for a few milliseconds, so that it can grow.
- A long queue is divided into chunks, one per CPU, that are computed concurrently.
- The number of calls in flight is bounded. A call that takes long does not count towards the base
  concurrency, so that it does not block short ones.
- A batch starts with the first text of the first request in the queue, and adds texts of similar length,
  which keeps the padding small.
- Requests are served round robin: after every batch, a request with many texts moves to the end of the queue.
  The last free slot is reserved for a request that has nothing in flight.

It knows neither HTTP nor a task.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Generic, TypeVar

from seqserve.errors import DeadlineExceeded, SeqserveError, UnavailableError
from service.queue.admission import Admission, QueueFull
from service.queue.drain_rate import DrainRate
from service.queue.lengths import similar
from service.queue.limits import BatchLimits
from service.queue.pending import ItemError, PendingRequest, Text
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger

W = TypeVar("W")  # input of a call, one per text
R = TypeVar("R")  # output of a call, one per text

_WINDOW = 4  # texts considered for one batch, in multiples of the largest batch
_LINGER_S = 0.005  # between the starts of concurrent calls: a call has a fixed cost
_SLOW_CALL_S = 0.2  # a call that takes longer is slow
DOWN_SENTENCE = "The model does not answer at the moment; it is being restarted."


@dataclass(frozen=True)
class Reply(Generic[R]):
    """The outcome of a call: per text its result or its error, and the time inside the engine."""

    results: Sequence[R | SeqserveError]
    engine_s: float


@dataclass(frozen=True)
class Answer(Generic[R]):
    """The outcome of a request: results in the order of its texts, and the time by stage.

    Time during which several of its calls ran concurrently counts once.

    Args:
        results: Per text.
        engine_s: Seconds inside the engine.
        queue_s: Seconds in the queue, and on the way to the engine and back.
        n_known: How many results were known already.
    """

    results: list[R]
    engine_s: float
    queue_s: float
    n_known: int = 0


class Batcher(Generic[W, R]):
    """Collect the texts of many requests into batches.

    Args:
        task: Label of the metrics.
        call: Computes one batch. If it raises, the requests of that batch fail, and only those.
        cancel: Called with texts in flight whose results are not needed; their call still has to return.
        limits: Of the queue, of a batch and of the calls in flight.
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
        self._queue: dict[PendingRequest[W, R], None] = {}  # in round-robin order
        self._drain = DrainRate()
        self.admission = Admission(limits, self._drain)
        self._calls: set[asyncio.Task[None]] = set()
        self._slow: set[asyncio.Task[None]] = set()
        self._is_send_due = False
        self._not_before = -math.inf  # for a batch that could grow
        self._timer: asyncio.TimerHandle | None = None

    @property
    def n_waiting(self) -> int:
        """Number of queued texts."""
        return self.admission.n_texts

    @property
    def has_spare_call(self) -> bool:
        """Whether no text is queued, and a call that starts now leaves a slot free, or is the only one."""
        return not self._queue and (not self._calls or self._n_slots() > 1)

    def export_gauges(self) -> None:
        """Set the gauges of the queue; called for every metrics page, so requests do not pay for it."""
        now = asyncio.get_running_loop().time()
        oldest_s = max((now - request.since for request in self._queue), default=0.0)
        self._series.queue_texts.set(self.admission.n_texts)
        self._series.queue_tokens.set(self.admission.n_tokens)
        self._series.queue_oldest_seconds.set(oldest_s)
        self._series.calls.set(len(self._calls))

    async def submit(self, items: Sequence[tuple[W, int]], deadline: float) -> Answer[R]:
        """Queue the texts of one request, and wait for their results.

        If it is cancelled, queued texts are removed and those in flight are cancelled.

        Args:
            items: Per text the input of the call, and its estimated tokens; not empty.
            deadline: Event loop time after which the results are not needed.

        Raises:
            QueueFull: There is no room, or others take the time until the deadline; nothing was queued.
            DeadlineExceeded: The deadline passed, here or inside the engine, or will certainly be missed.
            ItemError: One of the texts failed.
            UnavailableError: The call failed.
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
            del request  # breaks the cycle of error, frame and request
        elapsed_s = time.perf_counter() - started
        in_order = [results[index] for index in range(len(items))]
        return Answer(in_order, engine_s, max(0.0, elapsed_s - engine_s))

    def _enqueue(self, items: Sequence[tuple[W, int]], deadline: float) -> PendingRequest[W, R]:
        loop = asyncio.get_running_loop()
        now = loop.time()
        n_tokens = sum(tokens for _, tokens in items)
        try:
            self.admission.check(len(items), n_tokens, deadline - now, now)
        except UnavailableError as error:
            reason = "queue_full" if isinstance(error, QueueFull) else "deadline"
            self._series.shed[reason].inc(len(items))
            raise
        request: PendingRequest[W, R] = PendingRequest(
            deadline, now, loop.create_future(), n_pending_tokens=n_tokens, n_texts=len(items)
        )
        for index, (item, tokens) in enumerate(items):
            request.pending.append(Text(request, index, item, tokens))
        self._queue[request] = None
        self.admission.add(request)
        if not self._is_send_due:
            self._is_send_due = True
            loop.call_soon(self._send)  # after the other requests of this event loop iteration
        return request

    def _forget(self, request: PendingRequest[W, R], reason: str) -> None:
        """Remove a request from the queue, and cancel its texts in flight."""
        if request.done.done() and not request.done.cancelled():
            request.done.exception()  # marks it as retrieved, also if the waiter was cancelled meanwhile
        request.done.cancel()
        if request.pending:
            self._series.shed[reason].inc(len(request.pending))
            self.admission.remove(request, len(request.pending), request.n_pending_tokens)
            request.pending.clear()
        self._queue.pop(request, None)
        if given_up := request.give_up():
            self._series.abandoned[reason].inc(len(given_up))
            if (
                asyncio.get_running_loop().time() < request.deadline
            ):  # which the engine observes itself
                self._cancel([text.item for text in given_up])

    def _send(self) -> None:
        """Start calls as long as there is a free slot and a request that may use it."""
        self._is_send_due = False
        loop = asyncio.get_running_loop()
        max_tokens = self.admission.batch_tokens(loop.time())
        while self._n_slots() > 0:
            now = loop.time()
            if (seconds := self._linger_s(now, max_tokens)) > 0:
                self._timer = self._timer or loop.call_later(seconds, self._wake)
                return
            if not (batch := self._next_batch(max_tokens)):
                return
            if not self._calls:
                self._drain.begin(now)
            self._not_before = now + _LINGER_S
            call = loop.create_task(self._run(batch))
            self._calls.add(call)
            call.add_done_callback(self._on_end)
            if self._limits.base_concurrency < self._limits.concurrency:
                loop.call_later(_SLOW_CALL_S, self._mark_slow, call)

    def _n_slots(self) -> float:
        """Return the number of free slots."""
        limits = self._limits
        n_counted = len(self._calls) - len(self._slow)
        return min(limits.concurrency - len(self._calls), limits.base_concurrency - n_counted)

    def _linger_s(self, now: float, max_tokens: int) -> float:
        """Return how long the next batch lingers; 0 if it is to be sent at once."""
        is_full = (
            self.admission.n_texts >= self._limits.batch_texts
            or self.admission.n_tokens >= max_tokens
        )
        if not self._calls or not self.admission.n_texts or is_full:
            return 0.0
        return max(0.0, self._not_before - now)

    def _wake(self) -> None:
        self._timer = None
        self._send()

    def _on_end(self, call: asyncio.Task[None]) -> None:
        self._calls.remove(call)
        self._slow.discard(call)
        self._send()

    def _mark_slow(self, call: asyncio.Task[None]) -> None:
        if call in self._calls:
            self._slow.add(call)
            self._send()

    def _next_batch(self, max_tokens: int) -> list[Text[W, R]]:
        """Remove the texts of the next batch from the queue; empty if no request may use the slot."""
        limits = self._limits
        now = asyncio.get_running_loop().time()
        is_last = self._n_slots() == 1
        n_window = _WINDOW * limits.batch_texts
        candidates = (
            request
            for request in self._queue
            if request.is_wanted(now) and not (is_last and request.in_flight)
        )
        eligible = list(islice(candidates, n_window))
        ranks = zip_longest(*(request.pending for request in eligible))  # lazy
        window = list(islice((text for rank in ranks for text in rank if text), n_window))
        if not window:
            return []
        lengths = [text.n_tokens for text in window]
        batch = [window[i] for i in similar(lengths, limits.batch_texts, max_tokens)]
        for text in batch:
            self.admission.remove(text.owner, 1, text.n_tokens)
            text.owner.pending.remove(text)
            text.owner.in_flight.append(text)
        self._queue[eligible[0]] = self._queue.pop(eligible[0])  # to the end of the queue
        for request in {text.owner for text in batch}:
            if not request.pending:
                del self._queue[request]
        return batch

    async def _run(self, batch: list[Text[W, R]]) -> None:
        """Compute one batch, and resolve its requests."""
        n_real = sum(text.n_tokens for text in batch)
        n_padded = len(batch) * max(text.n_tokens for text in batch)
        self._series.batch_texts.observe(len(batch))
        self._series.batch_tokens.observe(n_padded)
        self._series.batch_real_tokens.inc(n_real)
        self._series.padding_ratio.observe(1 - n_real / n_padded)
        self.admission.send(n_real)
        try:
            reply = await self._call([text.item for text in batch])
            if len(reply.results) != len(batch):
                raise RuntimeError("a call must return one result per text")
        except Exception as error:
            get_logger().error("batch failed", task=self._task, **failure_fields(error))
            sentence = str(error) if isinstance(error, UnavailableError) else DOWN_SENTENCE
            self._drain.begin(asyncio.get_running_loop().time())
            for text in batch:
                text.owner.complete(text)
                text.owner.fail(UnavailableError(sentence))
            return
        finally:
            self.admission.complete(n_real)
        self._complete(batch, n_real, reply)

    def _complete(self, batch: list[Text[W, R]], n_tokens: int, reply: Reply[R]) -> None:
        """Record a call, resolve its texts, and end the requests that cannot be in time any more."""
        loop_now = asyncio.get_running_loop().time()
        self._drain.complete(loop_now, len(batch), n_tokens)
        now = time.perf_counter()
        for request in {text.owner for text in batch}:
            request.spans.append((now - reply.engine_s, now))
        for text, result in zip(batch, reply.results, strict=True):
            text.owner.resolve(text, result)
        for request in {text.owner for text in batch}:
            if not request.pending:
                continue
            try:
                self.admission.check_pending(request, loop_now)
            except DeadlineExceeded as late:
                request.fail(late)
