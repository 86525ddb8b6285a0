"""A queue whose results are remembered: equal texts are computed once.

A result depends on the model, the text and the options alone, never on the other texts of its batch, so a
remembered result is exactly what the engine would return. A text that is equal to one in the engine waits for
that one, and is computed itself if that one fails: its deadline may be another, or its client may have gone.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from seqserve.errors import DeadlineExceeded, SeqserveError
from service.api.partial import Predict, Queue
from service.engines.messages import InferenceItem, InferenceResult
from service.queue.answer_cache import AnswerCache
from service.queue.batcher import Answer, Reply
from service.queue.pending import ItemError
from service.telemetry import metrics

Items: TypeAlias = Sequence[tuple[InferenceItem, int]]
Outcome: TypeAlias = InferenceResult | SeqserveError


def cache_key(model: str, item: Mapping[str, Any]) -> bytes:
    """Return the key of a text: a digest of its model, its options and itself.

    Args:
        model: Identifies the model and its weights.
        item: Fields of the task's item.
    """
    fields = orjson.dumps([model, item], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(fields, digest_size=32).digest()


class CachedQueue:
    """The queue of a task with a cache in front of it, and of the engines behind it.

    Args:
        task: Label of the metrics.
        cache: The results; may be shared with other tasks.
        predict: Calls the engines.
        make_queue: Makes the queue of the texts that are not known from the call for its batches.
    """

    def __init__(
        self,
        task: str,
        cache: AnswerCache,
        predict: Predict,
        make_queue: Callable[[Predict], Queue],
    ) -> None:
        self._series = metrics.of_cache(task)
        self._cache = cache
        self._predict = predict
        self._running: dict[bytes, asyncio.Future[bytes | None]] = {}
        self.queue = make_queue(self._call)

    async def submit(self, items: Items, deadline: float) -> Answer[InferenceResult]:
        """Return known results, and queue the other texts; as `Batcher.submit`.

        Args:
            items: With their cache keys.
            deadline: Event loop time after which the results are not needed.

        Raises:
            ItemError: One of the texts failed.
            UnavailableError: As for `Batcher.submit`, or an equal text in the engine did not end in time.
        """
        started = time.perf_counter()
        results: dict[int, InferenceResult] = {}
        first: dict[bytes, int] = {}
        equal: dict[int, int] = {}
        joined: dict[int, asyncio.Future[bytes | None]] = {}
        for i, (item, _) in enumerate(items):
            key = item.cache_key
            if (known := self._cache.find(key)) is not None:
                results[i] = _decode(known)
                item.resolve(results[i])
            elif key in first:
                equal[i] = first[key]
            elif key in self._running:
                joined[i] = self._running[key]
            else:
                first[key] = i
        n_known = len(results)
        self._series["hit"].inc(n_known)
        try:
            engine_s = await self._queue_texts(items, list(first.values()), deadline, results)
        finally:
            for i, j in equal.items():
                outcome = items[j][0].outcome
                items[i][0].resolve(outcome)
                if isinstance(outcome or results.get(j), InferenceResult):
                    self._series["shared"].inc()
        results |= {i: _copy(results[j]) for i, j in equal.items()}
        failed = []
        for i, running in joined.items():
            if (encoded := await _result_of(running, items[i][0].deadline)) is None:
                failed.append(i)
            else:
                results[i] = _decode(encoded)
                items[i][0].resolve(results[i])
                self._series["shared"].inc()
        engine_s += await self._queue_texts(items, failed, deadline, results)
        elapsed_s = time.perf_counter() - started
        in_order = [results[i] for i in range(len(items))]
        return Answer(in_order, engine_s, max(0.0, elapsed_s - engine_s), n_known)

    async def _queue_texts(
        self,
        items: Items,
        places: Sequence[int],
        deadline: float,
        results: dict[int, InferenceResult],
    ) -> float:
        """Queue the texts at some places; return the time in the engine in seconds.

        Raises:
            ItemError: One of the texts failed; with its place.
            UnavailableError: As for `Batcher.submit`.
        """
        if not places:
            return 0.0
        try:
            answer = await self.queue.submit([items[i] for i in places], deadline)
        except ItemError as failure:
            raise ItemError(places[failure.index], failure.error) from failure.error
        results.update(zip(places, answer.results, strict=True))
        return answer.engine_s

    async def _call(self, items: list[InferenceItem]) -> Reply[InferenceResult]:
        """Compute a batch of the queue: equal texts once, and none whose result is known by now.

        Raises:
            Exception: As for the call to the engines.
        """
        outcomes: dict[int, Outcome] = {}
        leaders: dict[bytes | str, int] = {}  # of equal texts the one with the latest deadline
        for i, item in enumerate(items):
            if (known := self._cache.find(item.cache_key)) is not None:
                outcomes[i] = _decode(known)
                self._series["shared"].inc()
                continue
            j = leaders.get(_identity(item))
            if j is None or items[j].deadline < item.deadline:
                leaders[_identity(item)] = i
        engine_s = await self._run(items, list(leaders.values()), outcomes)
        failed = []
        for i, item in enumerate(items):
            if i not in outcomes:
                outcome = outcomes[leaders[_identity(item)]]
                if isinstance(outcome, InferenceResult):
                    outcomes[i] = _copy(outcome)
                    self._series["shared"].inc()
                else:
                    failed.append(i)
        engine_s += await self._run(items, failed, outcomes)
        return Reply([outcomes[i] for i in range(len(items))], engine_s)

    async def _run(
        self, items: Sequence[InferenceItem], places: Sequence[int], outcomes: dict[int, Outcome]
    ) -> float:
        """Send the texts at some places to the engines, and remember their results; return the seconds there.

        Raises:
            Exception: As for the call to the engines.
        """
        if not places:
            return 0.0
        generation = self._cache.generation
        sent = [items[i] for i in places]
        self._series["miss"].inc(sum(bool(item.cache_key) for item in sent))
        future_of = asyncio.get_running_loop().create_future
        mine = {
            item.cache_key: future_of()
            for item in sent
            if item.cache_key and item.cache_key not in self._running
        }
        self._running |= mine
        try:
            reply = await self._predict(sent)
            for i, outcome in zip(places, reply.results, strict=True):
                outcomes[i] = outcome
                if isinstance(outcome, InferenceResult) and (key := items[i].cache_key):
                    encoded = _encode(outcome)
                    self._cache.add(key, encoded, generation)
                    if (running := mine.get(key)) and not running.done():
                        running.set_result(encoded)
            return reply.engine_s
        finally:
            for key, running in mine.items():
                del self._running[key]
                if not running.done():
                    running.set_result(None)


def _identity(item: InferenceItem) -> bytes | str:
    """Return what equal texts share; a text without a key is equal to none."""
    return item.cache_key or item.cancellation_id


async def _result_of(running: asyncio.Future[bytes | None], deadline: float) -> bytes | None:
    """Wait for the result of a text in the engine; None if that failed.

    Raises:
        DeadlineExceeded: It takes too long.
    """
    try:
        async with asyncio.timeout_at(deadline):
            return await asyncio.shield(running)
    except TimeoutError:
        raise DeadlineExceeded from None


def _encode(result: InferenceResult) -> bytes:
    return orjson.dumps({**result.fields, "n_tokens": result.n_tokens})


def _decode(encoded: bytes) -> InferenceResult:
    return InferenceResult.of_fields(orjson.loads(encoded))


def _copy(result: InferenceResult) -> InferenceResult:
    """Return a result that shares nothing with the first."""
    return _decode(_encode(result))
