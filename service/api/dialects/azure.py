"""Azure AI Language: the synchronous analysis of texts, `:analyze-text`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError, UnknownModel
from seqserve.records import RequestOptions
from seqserve.text.visible import is_blank
from service.api.by_language import predict_by_language
from service.api.core import Call, Prediction
from service.api.detection import NAME as DETECTOR
from service.api.detection import detect_languages
from service.api.dialects.azure_errors import ERROR_SCHEMA, error_of, status_of
from service.api.dialects.azure_kinds import KINDS, Analysis, read_analysis
from service.api.dialects.azure_messages import AnalyzeText, StringIndexType
from service.api.dialects.azure_results import write_analysis
from service.api.dialects.base import Dialect, json_response, record_prediction
from service.api.dialects.document import STRING, list_of, object_of, operation, ref
from service.api.dialects.validation import validate
from service.api.plan import PredictionRequest
from service.api.texts import check_count, text_error
from service.http.context import context_of
from service.http.key_forms import BEARER, first_of, header
from service.http.problems import Problem

_PATH = "/azure/language/:analyze-text"
_JS_CLIENT = b"azsdk-js-"


@dataclass(frozen=True)
class _Answer:
    """What was computed: a result or an error per document, and by what; no prediction of detection."""

    analysis: Analysis
    results: Sequence[Mapping[str, Any]]
    model_version: str
    prediction: Prediction | None = None


class AzureDialect(Dialect):
    """One route; the kind of analysis is in the body."""

    name = "azure"
    title = "Azure AI Language"
    text_field = "documents"
    key = first_of(header("Ocp-Apim-Subscription-Key"), BEARER)
    models: ClassVar[Sequence[type[BaseModel]]] = (AnalyzeText,)
    error_schema: ClassVar[Mapping[str, Any]] = ERROR_SCHEMA

    def routes(self) -> Sequence[Route]:
        """Return the one route."""
        return [Route(_PATH, self._analyze, methods=["POST"])]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error with its codes."""
        document = error_of(problem, self.public_detail(problem))
        return json_response(document, status_of(problem), problem.headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path item."""
        documents = object_of({"id": STRING, "warnings": list_of(object_of({}))})
        errors = object_of({"id": STRING, "error": ERROR_SCHEMA["properties"]["error"]})
        results = {
            "documents": list_of(documents),
            "errors": list_of(errors),
            "modelVersion": STRING,
        }
        analyze = operation(
            "Analyze documents: " + ", ".join(KINDS),
            object_of({"kind": STRING, "results": object_of(results)}),
            body=ref(AnalyzeText),
            parameters=("?api-version", "?showStats"),
        )
        return {_PATH: {"post": analyze}}

    async def _analyze(self, request: Request) -> Response:
        self.core.require_running()
        timeout_ms = max(self.settings.timeout_ms("ner"), self.settings.timeout_ms("sentiment"))
        answer, read_ms = await self.exchange(request, timeout_ms, self._read, self._compute)
        started = time.perf_counter()
        has_statistics = request.query_params.get("showStats", "").lower() == "true"
        document = write_analysis(
            answer.analysis, answer.results, answer.model_version, has_statistics
        )
        response = json_response(document)
        write_ms = 1000 * (time.perf_counter() - started)
        context = context_of(request)
        context.log_fields = {"n_texts": len(answer.results)}
        if answer.prediction is not None:
            record_prediction(context, answer.prediction, read_ms, write_ms)
        return response

    async def _read(self, request: Request) -> Analysis:
        asked = validate(AnalyzeText, await self.bodies.read_json(request))
        return read_analysis(asked, _default_unit(context_of(request).headers))

    async def _compute(self, analysis: Analysis, call: Call) -> _Answer:
        kind, documents = analysis.kind, analysis.documents
        if kind.task is None:
            return await self._detect(analysis)
        prediction = await predict_by_language(
            self.core,
            self.settings,
            PredictionRequest(
                kind.task,
                [one.text for one in documents],
                how=RequestOptions(on_blank="error", partial=True, model=analysis.model),
            ),
            [one.language or None for one in documents],
            call,
            kind.options_of,
        )
        results = prediction.results
        if kind.has_rules:
            texts = [(one.text, one.language) for one in documents]
            results = await self.core.personal_data.add_to(results, texts, call.deadline)
        return _Answer(analysis, results, prediction.model.id, prediction)

    async def _detect(self, analysis: Analysis) -> _Answer:
        """Detect the languages of documents.

        Raises:
            TooManyTexts: There are more than the limit.
            UnknownModel: The request names another version.
        """
        check_count(len(analysis.documents), self.settings)
        detector = f"{DETECTOR}@{version(DETECTOR)}"
        if analysis.model not in (None, detector):
            raise UnknownModel(f"parameters.modelVersion: should be {detector} or latest.")
        found = await detect_languages([one.text for one in analysis.documents])
        blank = {"error": text_error(InputError("is blank: it has no visible character."))}
        results = [
            blank if is_blank(document.text) else asdict(one)
            for document, one in zip(analysis.documents, found, strict=True)
        ]
        return _Answer(analysis, results, detector)


def _default_unit(headers: Mapping[bytes, bytes]) -> StringIndexType:
    """Return the unit of a request that names none: text elements, but UTF-16 units for the JavaScript client.

    That client relies on the units of its strings, and does not name them.
    """
    agents = (headers.get(name, b"") for name in (b"user-agent", b"x-ms-useragent"))
    is_js = any(_JS_CLIENT in agent for agent in agents)
    return "Utf16CodeUnit" if is_js else "TextElements_v8"
