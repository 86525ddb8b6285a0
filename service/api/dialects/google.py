"""Google Cloud Translation, version 2 (Basic): translation, detection and languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.records import AUTO, DetectionResult, RequestOptions
from seqserve.text.detection import UNDETERMINED
from service.api.core import Call, Prediction
from service.api.detection import detect_languages
from service.api.dialects.base import Asked, Dialect, json_response
from service.api.dialects.document import (
    INTEGER,
    NUMBER,
    STRING,
    list_of,
    object_of,
    operation,
    ref,
)
from service.api.dialects.languages import name_of, served_languages
from service.api.dialects.naming import find_model
from service.api.dialects.validation import validate
from service.api.mixed import predict_mixed
from service.api.plan import PredictionRequest
from service.api.schemas import Texts
from service.api.texts import check_count
from service.http.forms import FORM, JSON
from service.http.key_forms import BEARER, first_of, header, parameter
from service.http.problems import Problem

_PATH = "/google/language/translate/v2"
_BOTH = ("GET", "POST")
_STATUSES: Mapping[int, int] = {401: 403, 413: 400, 415: 400, 422: 400}
"""What clients expect instead of a status of the native API; with a 401 they would look for another token."""
_KINDS: Mapping[int, tuple[str, str]] = {
    403: ("PERMISSION_DENIED", "forbidden"),
    404: ("NOT_FOUND", "notFound"),
    429: ("RESOURCE_EXHAUSTED", "rateLimitExceeded"),
    503: ("UNAVAILABLE", "backendError"),
    504: ("DEADLINE_EXCEEDED", "backendError"),
}
"""Status and reason of an error, by the HTTP status."""
_MODEL_TYPES = ("", "nmt", "base")
"""Values of `model` that name no model, but a kind: the default model answers."""
_LENIENT = ConfigDict(frozen=True, extra="ignore")  # the values of a form are strings


class TranslateRequest(BaseModel):
    """What is to be translated; parameters that are not here are ignored."""

    model_config = _LENIENT
    q: Texts
    target: str = Field(min_length=1)
    source: str | None = None
    format: Literal["html", "text", ""] | None = None
    model: str | None = None

    @property
    def is_detected(self) -> bool:
        """Whether the languages of the texts are to be detected."""
        return self.source in (None, "", AUTO)


class DetectRequest(BaseModel):
    """The texts whose languages are to be detected."""

    model_config = _LENIENT
    q: Texts


def _data(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return object_of({"data": object_of({name: list_of(item)})})


_TRANSLATION = object_of(
    {"translatedText": STRING, "detectedSourceLanguage": STRING, "model": STRING},
    optional=("detectedSourceLanguage", "model"),
)
_DETECTIONS = list_of(object_of({"language": STRING, "confidence": NUMBER}))
_LANGUAGE = object_of({"language": STRING, "name": STRING}, optional=("name",))
_REASON = object_of({"message": STRING, "domain": STRING, "reason": STRING})
_ERROR = object_of(
    {"code": INTEGER, "message": STRING, "errors": list_of(_REASON), "status": STRING}
)


class GoogleDialect(Dialect):
    """`/google/language/translate/v2`, with detection and languages below it."""

    name = "google"
    title = "Google Cloud Translation v2"
    text_field = "q"
    key = first_of(header("X-Goog-Api-Key"), BEARER, parameter("key", is_in_body=True))
    models: ClassVar[Sequence[type[BaseModel]]] = (TranslateRequest, DetectRequest)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"error": _ERROR})

    def routes(self) -> Sequence[Route]:
        """Return the routes; each takes its parameters from the query string or the body."""
        return [
            Route(_PATH, self._translate, methods=_BOTH),
            Route(f"{_PATH}/detect", self._detect, methods=_BOTH),
            Route(f"{_PATH}/languages", self._languages, methods=_BOTH),
        ]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error as the JSON APIs of Google write it."""
        code = _STATUSES.get(problem.status, problem.status)
        default = ("INVALID_ARGUMENT", "invalid") if code < 500 else ("INTERNAL", "backendError")
        status, reason = _KINDS.get(code, default)
        message = self.public_detail(problem)
        errors = [{"message": message, "domain": "global", "reason": reason}]
        error = {"code": code, "message": message, "errors": errors, "status": status}
        return json_response({"error": error}, code, problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items."""
        media_types = (JSON, FORM)
        translated, detected = _data("translations", _TRANSLATION), _data("detections", _DETECTIONS)
        languages = ("List languages", _data("languages", _LANGUAGE))
        names = ["?q", "?target", "?source", "?format", "?model"]
        return {
            _PATH: {
                "get": operation("Translate texts", translated, parameters=names),
                "post": operation(
                    "Translate texts",
                    translated,
                    body=ref(TranslateRequest),
                    media_types=media_types,
                ),
            },
            f"{_PATH}/detect": {
                "get": operation("Detect languages", detected, parameters=["?q"]),
                "post": operation(
                    "Detect languages", detected, body=ref(DetectRequest), media_types=media_types
                ),
            },
            f"{_PATH}/languages": {
                "get": operation(*languages, parameters=["?target"]),
                "post": operation(*languages, parameters=["?target"]),
            },
        }

    async def _translate(self, request: Request) -> Response:
        return await self.answer(request, "translation", self._read)

    async def _read(self, request: Request) -> Asked:
        asked = validate(TranslateRequest, await self.values(request))
        content = PredictionRequest(
            "translation",
            asked.q,
            {"format": asked.format or "html"},
            AUTO if asked.is_detected else asked.source,
            asked.target,
            RequestOptions(model=self._model_of(asked.model or "")),
        )
        predict = partial(predict_mixed, self.core, self.settings)
        return Asked(content, partial(_write, asked), predict)

    def _model_of(self, name: str) -> str | None:
        """Return the model that a request names; None if the default one is to answer.

        Raises:
            NotFound: There is no translation model of this name.
        """
        if name.rpartition("/")[2] in _MODEL_TYPES:
            return None
        models = [model for model in self.core.models() if model.task == "translation"]
        return find_model(name, models).name

    async def _detect(self, request: Request) -> Response:
        async def read(request: Request) -> Sequence[str]:
            texts = validate(DetectRequest, await self.values(request)).q
            check_count(len(texts), self.settings)
            return texts

        async def detect(texts: Sequence[str], _: Call) -> Sequence[DetectionResult]:
            return await detect_languages(texts)

        self.core.require_running()
        found, _ = await self.exchange(request, self.settings.max_timeout_ms, read, detect)
        detections = [[{"language": one.language, "confidence": one.confidence}] for one in found]
        return json_response({"data": {"detections": detections}})

    async def _languages(self, request: Request) -> Response:
        """List languages, with their English names if the request has a language for names."""
        has_names = (await self.values(request)).get("target")
        languages = [
            {"language": tag, **({"name": name_of(tag)} if has_names else {})}
            for tag in served_languages(self.core.models())
        ]
        return json_response({"data": {"languages": languages}})


def _write(asked: TranslateRequest, prediction: Prediction) -> Response:
    """Return the translations, with what the request left open and the model that it named."""
    named = {"model": asked.model} if asked.model else {}
    translations = []
    for result in prediction.results:
        translation = {"translatedText": result["text"], **named}
        if asked.is_detected:
            detected = result.get("detected_language")
            # A text without letters is translated, but its language is none that was found.
            if not detected or not detected["confidence"]:
                detected = {"language": UNDETERMINED}
            translation["detectedSourceLanguage"] = detected["language"]
        translations.append(translation)
    return json_response({"data": {"translations": translations}})
