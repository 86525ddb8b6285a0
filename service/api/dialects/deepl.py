"""The API of DeepL, version 2: translation of texts, languages, usage, and the glossaries of the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError, NotFound
from seqserve.records import AUTO
from service.api.core import Core, Prediction
from service.api.dialects.base import Asked, Dialect, json_response
from service.api.dialects.document import INTEGER, STRING, list_of, object_of, operation, ref
from service.api.dialects.languages import name_of, targets_by_source
from service.api.dialects.validation import validate
from service.api.glossaries import GlossaryFiles, glossary_files
from service.api.mixed import predict_mixed
from service.api.plan import PredictionRequest
from service.api.schemas import Texts
from service.http.body import BodyReader
from service.http.forms import FORM, JSON
from service.http.key_forms import BEARER, first_of, parameter, scheme
from service.http.problems import Problem
from service.settings import PREFIX, Settings

_STATUSES: Mapping[int, int] = {401: 403, 415: 400, 422: 400}
"""What clients expect instead of a status of the native API."""
_VARIANTS: Mapping[str, Sequence[str]] = {"en": ("EN-GB", "EN-US"), "pt": ("PT-BR", "PT-PT")}
"""Target languages that clients take only with a region."""
_NO_LIMIT = 10**12
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
_GLOSSARIES = "/deepl/v2/glossaries"


class DeepLRequest(BaseModel):
    """What is to be translated; parameters that are not here are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # the values of a form are strings
    text: Texts
    target_lang: str = Field(min_length=1)
    source_lang: str | None = None
    tag_handling: Literal["html", "xml", ""] | None = None
    split_sentences: Literal["0", "1", "nonewlines"] | None = None
    formality: str | None = None
    glossary_id: str | None = None
    ignore_tags: list[str] | str | None = None


_TRANSLATION = object_of(
    {"detected_source_language": STRING, "text": STRING, "billed_characters": INTEGER}
)
_LANGUAGE = object_of({"language": STRING, "name": STRING})
_USAGE = object_of({"character_count": INTEGER, "character_limit": INTEGER})


class DeepLDialect(Dialect):
    """`/deepl/v2/translate`, and what clients ask besides."""

    name = "deepl"
    title = "DeepL v2"
    key = first_of(scheme("DeepL-Auth-Key"), BEARER, parameter("auth_key", is_in_body=True))
    models: ClassVar[Sequence[type[BaseModel]]] = (DeepLRequest,)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"message": STRING})

    def __init__(self, core: Core, bodies: BodyReader, settings: Settings) -> None:
        super().__init__(core, bodies, settings)
        self._n_characters = 0

    def routes(self) -> Sequence[Route]:
        """Return the routes of translation, of languages, usage and glossaries."""
        both = ["GET", "POST"]
        return [
            Route("/deepl/v2/translate", self._translate, methods=["POST"]),
            Route("/deepl/v2/languages", self._languages, methods=both),
            Route("/deepl/v2/usage", self._usage, methods=both),
            Route("/deepl/v2/glossary-language-pairs", self._pairs),
            Route(_GLOSSARIES, self._glossaries, methods=["GET"]),
            Route(_GLOSSARIES, self._refuse_change, methods=["POST"]),
            Route(_GLOSSARIES + "/{id}", self._glossary, methods=["GET"]),
            Route(_GLOSSARIES + "/{id}", self._refuse_change, methods=["DELETE"]),
            Route(_GLOSSARIES + "/{id}/entries", self._entries),
        ]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error as DeepL writes it; one of a key is a 403."""
        status = _STATUSES.get(problem.status, problem.status)
        return json_response({"message": self.public_detail(problem)}, status, problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path items."""
        anything = object_of({})
        answer = object_of({"translations": list_of(_TRANSLATION)})
        translate = operation(
            "Translate texts", answer, body=ref(DeepLRequest), media_types=(JSON, FORM)
        )
        languages = operation("List languages", list_of(_LANGUAGE), parameters=["?type"])
        return {
            "/deepl/v2/translate": {"post": translate},
            "/deepl/v2/languages": {"get": languages},
            "/deepl/v2/usage": {"get": operation("Return the usage", _USAGE)},
            "/deepl/v2/glossary-language-pairs": {"get": operation("List pairs", anything)},
            _GLOSSARIES: {"get": operation("List glossaries", anything)},
            _GLOSSARIES + "/{id}": {
                "get": operation("Describe a glossary", anything, parameters=["id"])
            },
        }

    async def _translate(self, request: Request) -> Response:
        return await self.answer(request, "translation", self._read)

    async def _read(self, request: Request) -> Asked:
        asked = validate(DeepLRequest, await self.values(request))
        content = PredictionRequest(
            "translation",
            asked.text,
            _options(asked),
            asked.source_lang or AUTO,
            asked.target_lang,
        )
        return Asked(
            content,
            partial(self._write, asked),
            partial(predict_mixed, self.core, self.settings),
        )

    def _write(self, asked: DeepLRequest, prediction: Prediction) -> Response:
        translations = [
            {
                "detected_source_language": _source_of(result, asked),
                "text": result["text"],
                "billed_characters": len(text),
            }
            for text, result in zip(asked.text, prediction.results, strict=True)
        ]
        self._n_characters += sum(map(len, asked.text))
        return json_response({"translations": translations})

    async def _languages(self, request: Request) -> Response:
        """List the languages of a type, which may be in a body, also of a GET."""
        kind = (await self.values(request)).get("type", "source")
        if kind not in ("source", "target"):
            raise InputError("type: must be source or target.")
        by_source = targets_by_source(self.core.models())
        if kind == "source":
            return json_response([_language(tag) for tag in by_source])
        targets = sorted({tag for targets in by_source.values() for tag in targets})
        codes = [code for tag in targets for code in _VARIANTS.get(tag, (tag,))]
        return json_response([{**_language(tag), "supports_formality": False} for tag in codes])

    async def _usage(self, request: Request) -> Response:
        await self.values(request)
        usage = {"character_count": self._n_characters, "character_limit": _NO_LIMIT}
        return json_response(usage)

    async def _pairs(self, request: Request) -> Response:
        by_source = targets_by_source(self.core.models())
        pairs = [
            {"source_lang": source, "target_lang": target}
            for source, targets in by_source.items()
            for target in targets
        ]
        return json_response({"supported_languages": pairs})

    def _files(self) -> GlossaryFiles | None:
        directory = self.settings.glossaries
        return None if directory is None else glossary_files(directory)

    def _describe(self, name: str) -> dict[str, Any]:
        """Return a glossary of the server, with the languages of the first pair.

        Raises:
            NotFound: There is none of this name.
        """
        files = self._files()
        if files is None or name not in files.names():
            raise NotFound("There is no glossary of this id.")
        source, targets = next(iter(targets_by_source(self.core.models()).items()))
        found = files.describe(name, source)
        return {
            "glossary_id": name,
            "name": name,
            "ready": True,
            "source_lang": source,
            "target_lang": targets[0],
            "creation_time": datetime.fromtimestamp(found.changed, UTC).strftime(_TIME),
            "entry_count": len(found.terms),
        }

    async def _glossaries(self, request: Request) -> Response:
        files = self._files()
        names = files.names() if files else []
        return json_response({"glossaries": [self._describe(name) for name in names]})

    async def _glossary(self, request: Request) -> Response:
        return json_response(self._describe(request.path_params["id"]))

    async def _entries(self, request: Request) -> Response:
        described = self._describe(request.path_params["id"])
        files = self._files()
        terms = files.describe(described["name"], described["source_lang"]).terms if files else {}
        lines = "\n".join(f"{term}\t{target}" for term, target in terms.items())
        return Response(lines, media_type="text/tab-separated-values")

    async def _refuse_change(self, request: Request) -> Response:
        raise InputError(
            f"Glossaries are files of the operator of the server: {PREFIX}GLOSSARIES. "
            "glossary_id is the name of one."
        )


def _options(asked: DeepLRequest) -> dict[str, Any]:
    """Return the options of a translation.

    Raises:
        InputError: The request asks for what these models cannot do.
    """
    if asked.formality not in (None, "", "default", "prefer_more", "prefer_less"):
        raise InputError(
            "'formality' is not supported for this 'target_lang'; send prefer_more, prefer_less or default."
        )
    if asked.ignore_tags:
        raise InputError("'ignore_tags' is not supported.")
    if asked.glossary_id and not asked.source_lang:
        raise InputError("Value for 'source_lang' is required with 'glossary_id'.")
    options: dict[str, Any] = {"glossary": asked.glossary_id} if asked.glossary_id else {}
    if asked.tag_handling:
        return {**options, "format": "html"}
    return {**options, "line_breaks": "join" if asked.split_sentences == "nonewlines" else "keep"}


def _source_of(result: Mapping[str, Any], asked: DeepLRequest) -> str:
    """Return the source language of a translation; English of a blank text without one."""
    detected = result.get("detected_language")
    tag = detected["language"] if detected else asked.source_lang or "en"
    return tag.upper()


def _language(tag: str) -> dict[str, Any]:
    return {"language": tag.upper(), "name": name_of(tag)}
