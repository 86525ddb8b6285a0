"""Predictions without HTTP: plan a request, submit its items, return the results.

Every dialect calls this. All checks of a request happen before anything is queued, so that nothing that one
caller sends can fail a batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from seqserve.errors import Draining, InputError, NotFound, NotReady, Overloaded, SeqserveError
from seqserve.model_info import ModelInfo
from seqserve.records import AUTO
from seqserve.tasks import Task
from service.api.choice import NotLoaded, candidate_models
from service.api.detection import DetectedSource, find_sources, only_source
from service.api.personal_data import PersonalDataRules
from service.api.plan import Plan, PredictionRequest, plan_request
from service.api.served_tasks import Call, ServedTasks
from service.api.shadow import Answered, Shadow
from service.api.texts import (
    check_count,
    check_total,
    empty_fields,
    name_text,
    requested_fields,
    set_aside,
    text_error,
)
from service.engines.messages import InferenceResult
from service.settings import Settings
from service.telemetry import metrics

__all__ = ["Call", "Core", "Prediction", "fields_of"]


@dataclass(slots=True)
class Prediction:
    """The answer to a request.

    Args:
        model: The model that answered.
        results: Per text the fields of the task's result, without parts that were not requested; or, of a
            partial request, `error`.
        n_tokens: Tokens of all texts, as the model counts them.
        prepare_s: Seconds for checks, and for making the items; until the model was loaded, if it was unloaded.
        queue_s: Seconds in the queue, and on the way to the engine and back.
        engine_s: Seconds inside the engine.
        finish_s: Seconds for the results.
        n_known: How many texts had a result in the cache; None without a cache.
    """

    model: ModelInfo
    results: Sequence[Mapping[str, Any]]
    n_tokens: int
    prepare_s: float
    queue_s: float
    engine_s: float
    finish_s: float
    n_known: int | None = None


class Core:
    """The engines and the queue of every served task.

    Args:
        settings: Limits of a request.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.tasks = ServedTasks(settings)
        self.engines, self.queues = self.tasks.engines, self.tasks.queues
        self.shadow = Shadow(settings, self.engines, self.queues)
        self.personal_data = PersonalDataRules()
        self.is_draining = False
        self._n_awaiting_model = 0  # texts

    def models(self) -> list[ModelInfo]:
        """Return the models of all tasks, also those that are not ready; those of a task by preference.

        Raises:
            NotReady: None is known yet.
        """
        found = self.known_models()
        if not found:
            raise NotReady("No model is loaded yet.")
        return found

    def known_models(self) -> list[ModelInfo]:
        """Return the models of all tasks, also if there is none yet."""
        return [model for client in self.engines.values() for model in client.models]

    def require_up(self, task: Task) -> None:
        """Refuse a request that could not be answered, before its body is read.

        Raises:
            Draining: The server is shutting down.
            NotFound: The task is not served.
            UnavailableError: The engines of the task are loading or away.
        """
        self.require_running()
        if task not in self.engines:
            raise NotFound(
                f"The task {task} is not served here. Served tasks: {', '.join(self.engines)}."
            )
        self.engines[task].require_up()

    def require_running(self) -> None:
        """Refuse a request while the server is shutting down.

        Raises:
            Draining: It is.
        """
        if self.is_draining:
            raise Draining("The server is shutting down.")

    async def predict(self, request: PredictionRequest, call: Call) -> Prediction:
        """Check a request, submit its items and wait for their results.

        Raises:
            InputError: The request cannot be answered as it is, or the engine refused a text.
            TextFailed: The engine failed on a text.
            UnavailableError: The queue is full, the engines are away, or the deadline passed.
        """
        started = time.perf_counter()
        task = request.task
        aside = self._set_aside(request)
        detected: Mapping[int, DetectedSource] = {}
        if request.source == AUTO:
            request, detected = await self._detect(request, aside)
        plan = await self._plan(request, call)
        places = [i for i in range(len(plan.items)) if i not in aside]
        results: dict[int, dict[str, Any]] = {}

        def finish(place: int, outcome: InferenceResult | SeqserveError | None) -> None:
            if place in results:
                return
            results[place] = fields_of(task, outcome, plan.items[place])
            if place in detected:
                detected[place].add_to(results[place])
            if call.on_result is not None:
                call.on_result(plan.model, place, results[place])

        prepared = time.perf_counter()
        on_outcome = None if call.on_result is None else finish
        answered = await self.tasks.submit(request, plan, places, call, on_outcome)
        finishing = time.perf_counter()
        outcomes = dict(zip(places, answered.texts, strict=True)) | aside
        for place, outcome in outcomes.items():
            finish(place, outcome)
        n_tokens = sum(one.n_tokens for one in answered.texts if isinstance(one, InferenceResult))
        _count(request, plan.model, n_tokens, answered.engine_s)
        if self.shadow.is_wanted(request):
            found = {i: one for i, one in outcomes.items() if isinstance(one, InferenceResult)}
            done = Answered(request, plan.model, found)
            call.after_response.append(partial(self.shadow.send, done))
        return Prediction(
            plan.model,
            [results[place] for place in range(len(plan.items))],
            n_tokens,
            prepare_s=prepared - started,
            queue_s=answered.queue_s,
            engine_s=answered.engine_s,
            finish_s=time.perf_counter() - finishing,
            n_known=None if self.tasks.cache is None else answered.n_known,
        )

    async def _plan(self, request: PredictionRequest, call: Call) -> Plan:
        """Plan a request; if its model is unloaded, wait until it is loaded.

        Raises:
            Overloaded: Too many texts wait for models.
            SeqserveError: As for `predict`.
        """
        while True:
            try:
                key = call.sticky_key or call.request_id
                return plan_request(request, self.known_models(), self._settings, key)
            except NotLoaded as unloaded:
                model_id = unloaded.model_id
            n_texts = len(request.texts)
            n_awaiting = self._n_awaiting_model
            if n_awaiting and n_awaiting + n_texts > self._settings.max_queue_texts:
                raise Overloaded(f"Too many texts wait for models to be loaded, {n_awaiting}.")
            self._n_awaiting_model += n_texts
            try:
                await self.engines[request.task].load(model_id, call.deadline)
            finally:
                self._n_awaiting_model -= n_texts

    async def _detect(
        self, request: PredictionRequest, aside: dict[int, InputError | None]
    ) -> tuple[PredictionRequest, Mapping[int, DetectedSource]]:
        """Detect the source language of a request; set texts in a language that is not served aside.

        Raises:
            UnsupportedLanguagePair: A text is in such a language, and the request is not partial.
            InputError: The texts are in several languages.
        """
        texts = {i: text for i, text in enumerate(request.texts) if i not in aside}
        models = candidate_models(request.task, request.how.model, self.known_models())
        found = await asyncio.to_thread(find_sources, texts, request.target, models)
        sources = {i: one for i, one in found.items() if isinstance(one, DetectedSource)}
        for i, fault in found.items():
            if isinstance(fault, InputError):
                if not request.how.partial:
                    raise name_text(i, fault)
                aside[i] = fault
        return replace(request, source=only_source(sources)), sources

    def _set_aside(self, request: PredictionRequest) -> dict[int, InputError | None]:
        """Return the texts that the engine does not get.

        Raises:
            InputError: There are too many texts or characters, or a text is at fault and the request is not
                partial.
        """
        texts, task = request.texts, request.task
        check_count(len(texts), self._settings)
        aside = set_aside(task, texts, request.how.on_blank, self._settings)
        if not request.how.partial:
            for index, fault in aside.items():
                if fault is not None:
                    raise name_text(index, fault)
        kept = [text for i, text in enumerate(texts) if i not in aside] if aside else texts
        check_total(task, kept, self._settings)
        return aside


def fields_of(
    task: Task, outcome: InferenceResult | SeqserveError | None, item: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a text gets: the fields of its result, of an empty one, or its error."""
    if isinstance(outcome, InferenceResult):
        return requested_fields(task, outcome, item)
    return empty_fields(task, item) if outcome is None else {"error": text_error(outcome)}


def _count(request: PredictionRequest, model: ModelInfo, n_tokens: int, engine_s: float) -> None:
    series = metrics.of_task(request.task)
    series.texts.inc(len(request.texts))
    series.tokens.inc(n_tokens)
    series.characters.inc(sum(map(len, request.texts)))
    of_model = metrics.of_model(request.task, model.name, model.version)
    of_model.texts.inc(len(request.texts))
    of_model.seconds.observe(engine_s)
