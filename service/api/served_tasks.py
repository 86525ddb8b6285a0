"""The served tasks: their engines and queues, and the way of a request's texts through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from seqserve.errors import SeqserveError
from seqserve.model_info import ModelInfo
from seqserve.tasks import Task
from service.api.cached import CachedQueue, cache_key
from service.api.partial import (
    Outcomes,
    Predict,
    Queue,
    Submitting,
    engine_deadline,
    keeping_outcomes,
    submit_partial,
)
from service.api.plan import Plan, PredictionRequest
from service.api.texts import name_text
from service.engines.client import EngineClient
from service.engines.messages import InferenceItem, InferenceResult
from service.queue.answer_cache import AnswerCache
from service.queue.batcher import Batcher
from service.queue.lengths import estimate_tokens
from service.queue.limits import BatchLimits
from service.queue.pending import ItemError
from service.settings import Settings
from service.telemetry import metrics

OnResult: TypeAlias = Callable[[ModelInfo, int, Mapping[str, Any]], None]
OnOutcome: TypeAlias = Callable[[int, InferenceResult | SeqserveError], None]

_NOTHING = Outcomes((), 0.0, 0.0)


@dataclass(slots=True)  # not frozen, which would take twice as long to make
class Call:
    """What comes with a request besides its content.

    Args:
        request_id: For the logs of the runners.
        deadline: Time of `time.monotonic` after which the answer is not needed.
        traceparent: The W3C trace context of the request's span; empty if it is not traced.
        sticky_key: Decides among weighted models; empty for the id of the request.
        after_response: Takes functions to call when the response has been sent.
        on_result: Takes the model, the place of a text and its result, as soon as it is there; the request
            must be partial.
    """

    request_id: str
    deadline: float
    traceparent: str = ""
    sticky_key: str = ""
    after_response: list[Callable[[], None]] = field(default_factory=list)
    on_result: OnResult | None = None


class ServedTasks:
    """The engines and the queue of every served task, and the cache that they share.

    Args:
        settings: Size of the cache.
    """

    def __init__(self, settings: Settings) -> None:
        self.engines: dict[Task, EngineClient] = {}
        self.queues: dict[Task, Queue] = {}
        self.cache = AnswerCache(settings.cache_bytes) if settings.cache_bytes else None
        self._cached: dict[Task, CachedQueue] = {}

    def add(self, task: Task, client: EngineClient, predict: Predict, limits: BatchLimits) -> None:
        """Serve a task: make its queue, with a cache in front of it where the settings want one.

        Args:
            task: The task.
            client: Its engines.
            predict: Sends a batch to them.
            limits: Of the queue.
        """

        def make_queue(call: Predict) -> Queue:
            return Batcher(task, keeping_outcomes(call), client.cancel, limits)

        self.engines[task] = client
        if self.cache is None:
            self.queues[task] = make_queue(predict)
            return
        cached = self._cached[task] = CachedQueue(task, self.cache, predict, make_queue)
        self.queues[task] = cached.queue
        client.on_change = self.cache.clear

    def export_gauges(self) -> None:
        """Set the gauges of the queues and of the cache."""
        for queue in self.queues.values():
            queue.export_gauges()
        if self.cache is not None:
            metrics.CACHE_BYTES.set(self.cache.n_bytes)
            metrics.CACHE_RESULTS.set(len(self.cache))

    async def submit(
        self,
        request: PredictionRequest,
        plan: Plan,
        places: Sequence[int],
        call: Call,
        on_outcome: OnOutcome | None = None,
    ) -> Outcomes:
        """Queue the texts at some places of a request, and wait for their outcomes.

        Args:
            request: The request.
            plan: Its model and items.
            places: Of the texts that the engine gets.
            call: What comes with it.
            on_outcome: Takes the place of a text of a partial request, and its outcome when it is known.

        Raises:
            SeqserveError: As for `predict`.
        """
        if not places:
            return _NOTHING
        items = _queue_items(plan, places, call, is_partial=request.how.partial)
        if on_outcome is not None:
            for place, (item, _) in zip(places, items, strict=True):
                item.on_outcome = partial(on_outcome, place)
        queue: Submitting = self.queues[request.task]
        if cached := self._cached.get(request.task):
            model = f"{plan.model.id} {plan.model.sha256}"
            for item, _ in items:
                item.cache_key = cache_key(model, item.item)
            queue = cached
        with self.engines[request.task].using((plan.model.id,)):
            if request.how.partial:
                return await submit_partial(queue, items, call.deadline)
            try:
                answer = await queue.submit(items, call.deadline)
            except ItemError as failure:
                raise name_text(places[failure.index], failure.error) from failure.error
        return Outcomes(answer.results, answer.engine_s, answer.queue_s, answer.n_known)


def _queue_items(
    plan: Plan, places: Sequence[int], call: Call, *, is_partial: bool
) -> list[tuple[InferenceItem, int]]:
    """Return what the queue takes: an item per text, and about how many tokens it has, a row per beam."""
    queued_ns = time.time_ns() if call.traceparent else 0
    deadline = engine_deadline(call.deadline, time.monotonic()) if is_partial else call.deadline
    return [
        (
            InferenceItem(
                call.request_id,
                plan.model.id,
                plan.items[i],
                deadline,
                traceparent=call.traceparent,
                queued_ns=queued_ns,
                is_partial=is_partial,
            ),
            estimate_tokens(plan.items[i]["text"]) * plan.items[i].get("beam_size", 1),
        )
        for i in places
    ]
