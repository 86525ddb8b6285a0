"""The native API under `/v1/`: one route per task, detection, the models. docs/api.md is its contract."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError
from seqserve.records import RequestOptions, api_fields
from service.api.core import Call, Prediction
from service.api.detection import detect_all
from service.api.dialects.base import Dialect, record_prediction
from service.api.faults import describe_faults
from service.api.plan import PredictionRequest
from service.api.schemas import DETECTION, SCHEMAS, TaskSchema
from service.api.served_tasks import OnResult
from service.api.streaming import Streamed
from service.api.texts import check_count
from service.http.context import context_of
from service.http.event_stream import EventStream, accepts_events
from service.http.interruption import Guard
from service.http.problems import problem_of
from service.settings import Settings

_HOW = tuple(one.name for one in api_fields(RequestOptions))


class NativeDialect(Dialect):
    """The API of docs/api.md."""

    def routes(self) -> Sequence[Route]:
        """Return a prediction route per served task, and `/v1/models`."""
        predictions = [
            Route(schema.path, partial(self._predict, schema), methods=["POST"])
            for schema in served_schemas(self.settings)
        ]
        return [
            *predictions,
            Route(DETECTION.path, self._detect, methods=["POST"]),
            Route("/v1/models", self._models),
        ]

    async def _predict(self, schema: TaskSchema, request: Request) -> Response:
        if accepts_events(request):
            return await self._stream(schema, request)
        return await self.predict(request, schema.name, partial(self._read, schema), _write)

    async def _read(self, schema: TaskSchema, request: Request) -> PredictionRequest:
        document = await self.bodies.read_json(request)
        return parse_request(schema, document, self.settings)

    async def _stream(self, schema: TaskSchema, request: Request) -> Response:
        """Send the result of every text when it is there; a text that fails does not fail the others."""
        self.core.require_up(schema.name)
        context = context_of(request)

        async def compute(on_result: OnResult) -> Prediction:
            async def predict(asked: PredictionRequest, call: Call) -> Prediction:
                call.on_result = on_result
                asked = replace(asked, how=replace(asked.how, partial=True))
                return await self.core.predict(asked, call)

            timeout_ms = self.settings.timeout_ms(schema.name)
            read = partial(self._read, schema)
            prediction, read_ms = await self.exchange(request, timeout_ms, read, predict)
            record_prediction(context, prediction, read_ms, 0.0)
            return prediction

        streamed = Streamed(compute, partial(problem_of, context=context))
        return EventStream(await streamed.events())

    async def _detect(self, request: Request) -> Response:
        """Detect the languages of texts; the model is in this process, so nothing is queued."""
        self.core.require_running()
        context = context_of(request)
        deadline = self._deadline(self.settings.max_timeout_ms, context)
        with Guard(request.receive, deadline) as guard:
            document = await self.bodies.read_json(request)
            guard.note_body()
            texts = parse_fields(DETECTION.request, document, self.settings)["text"]
            answer = await asyncio.to_thread(detect_all, texts)
        context.log_fields = {"model": answer["model"], "n_texts": len(texts)}
        return Response(orjson.dumps(answer), media_type="application/json")

    async def _models(self, request: Request) -> Response:
        document = {"models": self.core.models()}
        return Response(orjson.dumps(document), media_type="application/json")


def served_schemas(settings: Settings) -> list[TaskSchema]:
    """Return the schemas of the tasks that the settings name."""
    return [schema for name, schema in SCHEMAS.items() if name in settings.tasks]


def parse_request(schema: TaskSchema, document: object, settings: Settings) -> PredictionRequest:
    """Validate the JSON document of a prediction.

    Raises:
        InputError: As for `parse_fields`.
    """
    given = parse_fields(schema.request, document, settings)
    how = {name: given.pop(name) for name in _HOW if name in given}
    request = PredictionRequest(
        schema.name,
        given.pop("text"),
        source=given.pop("source", None),
        target=given.pop("target", None),
        options=given,
    )
    if how:
        request.how = RequestOptions(**how)
    return request


def parse_fields(model: type[BaseModel], document: object, settings: Settings) -> dict[str, Any]:
    """Validate a JSON document with texts; return the fields that it has.

    Raises:
        InputError: A field is missing, unknown, of the wrong type or out of range.
        TooManyTexts: There are more texts than the limit.
    """
    raw = document.get("text") if isinstance(document, dict) else None
    if isinstance(raw, list):
        check_count(len(raw), settings)  # before each of them is validated
    try:
        parsed = model.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise InputError(describe_faults(faults, list(model.model_fields))) from None
    values: dict[str, Any] = parsed.__dict__  # ten times faster than `model_dump`
    return {name: values[name] for name in parsed.model_fields_set}


def _write(prediction: Prediction) -> Response:
    document = {
        "model": prediction.model.name,
        "version": prediction.model.version,
        "results": prediction.results,
        "usage": {"n_texts": len(prediction.results), "n_tokens": prediction.n_tokens},
    }
    return Response(orjson.dumps(document), media_type="application/json")
