"""The API of LibreTranslate: parameters in JSON, in a form, in a multipart form or in the query string."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError
from seqserve.records import AUTO, TranslationItem
from seqserve.text.detection import UNDETERMINED, detect_language
from service.api.core import Call, Core, Prediction
from service.api.dialects.base import Asked, Dialect, json_response
from service.api.dialects.document import (
    NUMBER,
    STRING,
    list_of,
    object_of,
    operation,
    ref,
)
from service.api.dialects.files import FileStore
from service.api.dialects.languages import name_of, targets_by_source
from service.api.dialects.validation import validate
from service.api.documents import SUPPORTED_SUFFIXES, translate_file
from service.api.mixed import predict_mixed
from service.api.plan import PredictionRequest
from service.api.schemas import Texts
from service.http.body import BodyReader
from service.http.forms import FORM, JSON, MULTIPART, Upload
from service.http.key_forms import BEARER, first_of, header, parameter
from service.http.problems import Problem
from service.settings import Settings

_ALIASES: Mapping[str, str] = {"zt": "zh-Hant", "pb": "pt-BR"}
_STATUSES: Mapping[int, int] = {401: 400, 413: 400, 415: 400, 422: 400}
"""What clients expect instead of a status of the native API."""
_DOWNLOAD = "/libretranslate/download_file/{token}"
_OPEN = ("/libretranslate/languages", "/libretranslate/frontend/settings", "/libretranslate/health")
_LENIENT = ConfigDict(frozen=True, extra="ignore")  # the values of a form are strings


class TranslateRequest(BaseModel):
    """What is to be translated."""

    model_config = _LENIENT
    q: Texts
    source: str
    target: str
    format: Literal["text", "html"] = "text"
    alternatives: Annotated[int, Field(ge=0)] = 0
    api_key: str | None = None


class DetectRequest(BaseModel):
    """The text whose language is to be detected."""

    model_config = _LENIENT
    q: str
    api_key: str | None = None


_LANGUAGE = object_of({"code": STRING, "name": STRING, "targets": list_of(STRING)})
_DETECTED = object_of({"confidence": NUMBER, "language": STRING})
_FILE = {"type": "string", "format": "binary"}
_MEDIA_TYPES = (JSON, FORM, MULTIPART)


def _one_or_list(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, list_of(schema)]}


_TRANSLATED = object_of(
    {
        "translatedText": _one_or_list(STRING),
        "alternatives": _one_or_list(list_of(STRING)),
        "detectedLanguage": _one_or_list(_DETECTED),
    },
    optional=("alternatives", "detectedLanguage"),
)


class LibreTranslateDialect(Dialect):
    """`/libretranslate/translate`, and what clients ask before."""

    name = "libretranslate"
    title = "LibreTranslate"
    text_field = "q"
    key = first_of(BEARER, header("X-API-Key"), parameter("api_key", is_in_body=True))
    open_paths = frozenset({*_OPEN, _DOWNLOAD})
    models: ClassVar[Sequence[type[BaseModel]]] = (TranslateRequest, DetectRequest)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"error": STRING})

    def __init__(self, core: Core, bodies: BodyReader, settings: Settings) -> None:
        super().__init__(core, bodies, settings)
        self._files = FileStore()

    def routes(self) -> Sequence[Route]:
        """Return the routes of translation and detection, and those that describe the server."""
        return [
            Route("/libretranslate/translate", self._translate, methods=["POST"]),
            Route("/libretranslate/translate_file", self._translate_file, methods=["POST"]),
            Route(_DOWNLOAD, self._download),
            Route("/libretranslate/detect", self._detect, methods=["POST"]),
            Route("/libretranslate/languages", self._languages),
            Route("/libretranslate/frontend/settings", self._settings),
            Route("/libretranslate/health", self._health),
        ]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error as LibreTranslate writes it: most errors of a request are a 400."""
        status = _STATUSES.get(problem.status, problem.status)
        return json_response({"error": self.public_detail(problem)}, status, problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items."""
        translate = operation(
            "Translate texts", _TRANSLATED, body=ref(TranslateRequest), media_types=_MEDIA_TYPES
        )
        detect = operation(
            "Detect a language",
            list_of(_DETECTED),
            body=ref(DetectRequest),
            media_types=_MEDIA_TYPES,
        )
        settings = operation("Describe the server", object_of({}))
        health = operation("Check the server", object_of({"status": STRING}))
        file = operation(
            "Translate a file",
            object_of({"translatedFileUrl": STRING}),
            body=object_of({"file": _FILE, "source": STRING, "target": STRING}),
            media_types=(MULTIPART,),
        )
        return {
            "/libretranslate/translate_file": {"post": file},
            "/libretranslate/translate": {"post": translate},
            "/libretranslate/detect": {"post": detect},
            "/libretranslate/languages": {"get": operation("List languages", list_of(_LANGUAGE))},
            "/libretranslate/frontend/settings": {"get": settings},
            "/libretranslate/health": {"get": health},
        }

    async def _translate(self, request: Request) -> Response:
        return await self.answer(request, "translation", self._read)

    async def _read(self, request: Request) -> Asked:
        values = await self._values(request, ("q", "source", "target"))
        asked = validate(TranslateRequest, values)
        content = PredictionRequest(
            "translation",
            asked.q,
            self._options(asked),
            _ALIASES.get(asked.source, asked.source),
            _ALIASES.get(asked.target, asked.target),
        )
        write = partial(_write, asked, isinstance(values["q"], list))
        return Asked(content, write, partial(predict_mixed, self.core, self.settings))

    async def _values(self, request: Request, required: Sequence[str]) -> dict[str, Any]:
        """Read the parameters of a request.

        Raises:
            InputError: One is missing, or as for `Dialect.values`. Only a text may be empty.
        """
        values = await self.values(request)
        for name in required:
            if values.get(name) is None or (name != "q" and not values[name]):
                raise InputError(f"Invalid request: missing {name} parameter")
        return values

    def _options(self, asked: TranslateRequest) -> dict[str, Any]:
        """Return the options of a translation; there are no more alternatives than the widest beam has."""
        options: dict[str, Any] = {"format": asked.format}
        if asked.alternatives:
            widest = self.settings.max_beam_size
            n_alternatives = min(asked.alternatives, widest - 1)
            default = min(TranslationItem.beam_size, widest)
            options["beam_size"] = max(default, n_alternatives + 1)
            options["alternatives"] = n_alternatives
        return options

    async def _translate_file(self, request: Request) -> Response:
        async def read(request: Request) -> tuple[Upload, dict[str, str]]:
            values = await self._values(request, ("file", "source", "target"))
            if not isinstance(values["file"], Upload):
                raise InputError("file: must be a file of a multipart form")
            return values["file"], {name: str(values[name]) for name in ("source", "target")}

        async def translate(asked: tuple[Upload, dict[str, str]], call: Call) -> str:
            upload, languages = asked
            file = (upload.name, upload.content)
            content = await translate_file(self.core, self.settings, file, call, **languages)
            return self._files.put(upload.name, content)

        self.core.require_up("translation")
        timeout_ms = self.settings.max_timeout_ms
        token, _ = await self.exchange(request, timeout_ms, read, translate)
        url = request.url.replace(path=_DOWNLOAD.format(token=token), query="")
        return json_response({"translatedFileUrl": str(url)})

    async def _download(self, request: Request) -> Response:
        file = self._files.get(request.path_params["token"])
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
        return Response(file.content, headers=headers, media_type="application/octet-stream")

    async def _detect(self, request: Request) -> Response:
        async def detect(text: str, _: Call) -> list[dict[str, Any]]:
            return await asyncio.to_thread(_detect, text)

        async def read(request: Request) -> str:
            return validate(DetectRequest, await self._values(request, ("q",))).q

        self.core.require_running()
        found, _ = await self.exchange(request, self.settings.max_timeout_ms, read, detect)
        return json_response(found)

    async def _languages(self, request: Request) -> Response:
        by_source = targets_by_source(self.core.models())
        return json_response(
            [
                {"code": source, "name": name_of(source), "targets": targets}
                for source, targets in by_source.items()
            ]
        )

    async def _settings(self, request: Request) -> Response:
        by_source = targets_by_source(self.core.models())
        source, targets = next(iter(by_source.items()), ("en", ["en"]))
        has_keys = self.settings.api_keys_file is not None
        document = {
            "apiKeys": has_keys,
            "keyRequired": has_keys,
            "charLimit": self.settings.max_text_chars_of("translation"),
            "frontendTimeout": 500,
            "suggestions": False,
            "filesTranslation": True,
            "supportedFilesFormat": list(SUPPORTED_SUFFIXES),
            "language": {
                "source": {"code": source, "name": name_of(source)},
                "target": {"code": targets[0], "name": name_of(targets[0])},
            },
        }
        return json_response(document)

    async def _health(self, request: Request) -> Response:
        self.core.require_up("translation")
        return json_response({"status": "ok"})


def _write(asked: TranslateRequest, is_list: bool, prediction: Prediction) -> Response:
    """Return the answer; that of a single text has no lists."""
    results = prediction.results

    def shaped(values: list[Any]) -> Any:
        return values if is_list else values[0]

    document = {"translatedText": shaped([one["text"] for one in results])}
    if asked.alternatives:
        document["alternatives"] = shaped(
            [[other["text"] for other in one.get("alternatives", ())] for one in results]
        )
    if asked.source == AUTO:
        document["detectedLanguage"] = shaped([_detected(one) for one in results])
    return json_response(document)


def _detected(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detected language of a translation; a blank text has none."""
    found = result.get("detected_language") or {"language": UNDETERMINED, "confidence": 0.0}
    return _language(found["language"], found["confidence"])


def _language(tag: str, confidence: float) -> dict[str, Any]:
    return {"confidence": round(100 * confidence), "language": tag}


def _detect(text: str) -> list[dict[str, Any]]:
    """Return the languages of a text, the most probable first, with percentages."""
    found = detect_language(text)
    best = _language(found.language, found.confidence)
    return [best, *(_language(one.language, one.confidence) for one in found.alternatives)]
