"""Shadow traffic: a second model gets the texts of answered requests, and its results are compared.

Callers come first. A text is sent after its request was answered, in small batches of which one is in flight,
and only while the queue of the task is empty and a further call could start; else it is dropped. The batches do
not pass the queue, which would count their speed and failures in its estimates, and refuse callers because of
them. Results are compared and counted, and never returned or logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqserve.errors import SeqserveError, UnsupportedLanguagePair
from seqserve.model_info import ModelInfo
from seqserve.tasks import TASKS, Task
from service.api.pairs import models_of_pair, pair_of
from service.api.partial import Queue
from service.api.plan import Plan, PredictionRequest, plan_request
from service.engines.client import EngineClient
from service.engines.messages import InferenceItem, InferenceResult
from service.queue.batcher import Reply
from service.routing import find_available
from service.settings import Settings
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger

_MAX_TEXTS = 8  # in a batch: a request that comes meanwhile waits for at most one
REQUEST_ID = "shadow"

COMPARED: Mapping[Task, Callable[[Mapping[str, Any]], Any]] = {
    "ner": lambda fields: {(one["start"], one["end"], one["label"]) for one in fields["entities"]},
    "sentiment": lambda fields: fields["label"],
    "classification": lambda fields: {one["label"] for one in fields["labels"]},
    "translation": lambda fields: fields["text"],
}
"""What agrees if two models agree, from the fields of a result."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The texts of a request that a model answered.

    Args:
        request: The request; the source language is known.
        model: The model that answered.
        results: Of the texts that have one, by index.
    """

    request: PredictionRequest
    model: ModelInfo
    results: Mapping[int, InferenceResult]


class Shadow:
    """Send answered texts to the shadow model of their task, in the background.

    Args:
        settings: The routing, and the limits of a request.
        engines: By task; may be filled later.
        queues: Likewise.
    """

    def __init__(
        self,
        settings: Settings,
        engines: Mapping[Task, EngineClient],
        queues: Mapping[Task, Queue],
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._queues = queues
        self._in_flight: dict[Task, asyncio.Task[None]] = {}

    def is_wanted(self, request: PredictionRequest) -> bool:
        """Whether the task has a shadow model, and the request left the choice of the model to the server."""
        routing = self._settings.routing.get(request.task)
        return routing is not None and routing.shadow is not None and request.how.model is None

    def send(self, answered: Answered) -> None:
        """Send the texts of a request that was answered; return at once."""
        task = answered.request.task
        name = self._settings.routing[task].shadow or ""
        model = find_available(name, self._engines[task].models)
        if model is None or model.id == answered.model.id or not answered.results:
            return
        request = _request_for(model, answered)
        if not _has_languages(model, request):
            return
        if task in self._in_flight:
            _count(model, "dropped", len(answered.results))
            return
        running = asyncio.get_running_loop().create_task(
            self._run(request, model, answered.results)
        )
        self._in_flight[task] = running
        running.add_done_callback(lambda _: self._in_flight.pop(task))

    async def stop(self) -> None:
        """Cancel what is in flight."""
        running = list(self._in_flight.values())
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _has_room(self, task: Task) -> bool:
        return self._engines[task].is_up and self._queues[task].has_spare_call

    async def _run(
        self,
        request: PredictionRequest,
        model: ModelInfo,
        answers: Mapping[int, InferenceResult],
    ) -> None:
        """Compare the texts of a request, and count the outcomes; nothing is raised."""
        left = list(answers)
        try:
            plan, engine_s = None, 0.0
            model = await self._load(model)
            while left and self._has_room(model.task):
                plan = plan or plan_request(request, [model], self._settings)
                reply = await self._predict(plan, left[:_MAX_TEXTS])
                engine_s += reply.engine_s
                for place, outcome in zip(left[:_MAX_TEXTS], reply.results, strict=True):
                    _count(model, _compare(model.task, answers[place], outcome))
                left = left[_MAX_TEXTS:]
            if not left:
                metrics.of_shadow(model.task, model.name, model.version).seconds.observe(engine_s)
            _count(model, "dropped", len(left))
        except Exception as error:
            _count(model, "failed", len(left))
            get_logger().warning("shadow failed", model=model.id, **failure_fields(error))

    async def _load(self, model: ModelInfo) -> ModelInfo:
        """Load a model if it is unloaded, and return what is known of it then.

        Raises:
            UnavailableError: It was not loaded in time.
        """
        if model.state != "unloaded":
            return model
        client = self._engines[model.task]
        await client.load(model.id, self._deadline())
        return next(one for one in client.models if one.id == model.id)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._settings.max_timeout_ms / 1000

    async def _predict(self, plan: Plan, places: Sequence[int]) -> Reply[InferenceResult]:
        """Send some texts to the engines; one that fails does not fail the others.

        Raises:
            Exception: The engines are down, or crashed.
        """
        client, model = self._engines[plan.model.task], plan.model.id
        deadline = self._deadline()
        items = [InferenceItem(REQUEST_ID, model, plan.items[i], deadline) for i in places]
        with client.using((model,)):
            return await client.predict_once(items)


def _request_for(model: ModelInfo, answered: Answered) -> PredictionRequest:
    """Return the request for the shadow model: the same, in the languages in which it was answered."""
    request = answered.request
    request = replace(request, how=replace(request.how, model=model.id))
    if not TASKS[request.task].is_pair:
        return request
    source, target = pair_of(request.source, request.target, answered.model)
    return replace(request, source=source, target=target)


def _has_languages(model: ModelInfo, request: PredictionRequest) -> bool:
    if not TASKS[request.task].is_pair:
        return True
    try:
        return bool(models_of_pair(request.source, request.target, [model]))
    except UnsupportedLanguagePair:
        return False


def _compare(task: Task, answer: InferenceResult, outcome: InferenceResult | SeqserveError) -> str:
    """Return the outcome of one text, a label of the metric."""
    if not isinstance(outcome, InferenceResult):
        return "failed"
    of_result = COMPARED[task]
    return "agrees" if of_result(outcome.fields) == of_result(answer.fields) else "differs"


def _count(model: ModelInfo, outcome: str, n_texts: int = 1) -> None:
    metrics.of_shadow(model.task, model.name, model.version).texts[outcome].inc(n_texts)
