"""Amazon Comprehend and Amazon Translate: their synchronous operations, in JSON 1.1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seqserve.errors import InputError, NotFound
from seqserve.records import DetectionResult, RequestOptions
from seqserve.strict_json import parse_json
from seqserve.tasks import Task
from service.api.choice import model_in_language
from service.api.core import Call, Prediction
from service.api.detection import detect_languages
from service.api.dialects.aws_pii import pii_labels_of, pii_of
from service.api.dialects.aws_shapes import (
    KINDS,
    MEDIA_TYPE,
    Json,
    Text,
    TextList,
    Translation,
    entities_of,
    json_1_1,
    languages_of,
    respond,
    sentiment_of,
    write_texts,
    write_translation,
)
from service.api.dialects.base import Asked, Dialect
from service.api.dialects.document import STRING, object_of, operation
from service.api.dialects.languages import name_of, served_languages
from service.api.dialects.validation import validate
from service.api.mixed import predict_mixed
from service.api.plan import PredictionRequest, has_neutral
from service.api.texts import check_count
from service.http.context import context_of
from service.http.key_forms import BEARER, first_of, signature
from service.http.problems import Problem

_COMPREHEND, _TRANSLATE = "Comprehend_20171127", "AWSShineFrontendService_20170701"
_STATUSES: Mapping[int, int] = {401: 403, 404: 400, 413: 400, 415: 400, 422: 400, 504: 503}


@dataclass(frozen=True)
class _Texts:
    """What an operation of Comprehend wants."""

    texts: Sequence[str]
    language: str | None
    is_batch: bool


@dataclass(frozen=True)
class _Operation:
    """An operation of Comprehend that a model computes.

    Args:
        task: Of the model.
        write: Writes the result of a text.
        is_batch: Whether it takes several texts.
        has_rules: Whether the results have what rules for personal data find.
    """

    task: Task
    write: Callable[[Mapping[str, Any]], Json]
    is_batch: bool
    has_rules: bool


class AwsDialect(Dialect):
    """`POST /aws`: the operation is in a header."""

    name = "aws"
    title = "Amazon Comprehend and Amazon Translate"
    text_field = "Text"
    key = first_of(signature(), BEARER)
    error_schema: ClassVar[Mapping[str, Any]] = object_of({"__type": STRING, "message": STRING})

    def routes(self) -> Sequence[Route]:
        """Return the one route, which some clients write with a slash."""
        return [Route(path, self._dispatch, methods=["POST"]) for path in ("/aws", "/aws/")]

    def write_problem(self, problem: Problem) -> Response:
        """Return an error with its type."""
        default = (
            "InvalidRequestException" if problem.status < 500 else "ServiceUnavailableException"
        )
        kind = KINDS.get(problem.code, default)
        document = {"__type": kind, "message": self.public_detail(problem)}
        headers = {
            **problem.headers,
            "x-amzn-ErrorType": kind,
            "x-amzn-RequestId": problem.request_id,
        }
        status = _STATUSES.get(problem.status, problem.status)
        return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)

    def openapi_paths(self) -> Mapping[str, Any]:
        """Return the path item: all operations have one path, and take JSON of any content type."""
        described = operation(
            "Run an operation: " + ", ".join(_names()),
            object_of({}),
            body=object_of({}),
        )
        for response in described["responses"].values():
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
        described["parameters"] = [
            {"name": "X-Amz-Target", "in": "header", "required": True, "schema": {"enum": _names()}}
        ]
        return {"/aws": {"post": described}}

    async def _dispatch(self, request: Request) -> Response:
        target = context_of(request).headers.get(b"x-amz-target", b"").decode("latin-1")
        handler = _OPERATIONS.get(target)
        if handler is None:
            raise NotFound(f"X-Amz-Target: no such operation. Operations: {', '.join(_names())}.")
        response = await handler(self, request)
        response.headers["x-amzn-RequestId"] = context_of(request).request_id
        return response

    async def _document(self, request: Request) -> object:
        headers = context_of(request).headers
        return await self.bodies.read(
            request, headers, lambda body: parse_json(body, self.bodies.max_values)
        )

    async def _texts(self, is_batch: bool, request: Request) -> _Texts:
        document = await self._document(request)
        if not is_batch:
            one = validate(Text, document)
            return _Texts([one.Text], one.LanguageCode, is_batch)
        several = validate(TextList, document)
        check_count(len(several.TextList), self.settings)
        if not several.TextList:
            raise InputError("TextList: must not be an empty list.")
        return _Texts(several.TextList, several.LanguageCode, is_batch)

    async def comprehend(self, operation: _Operation, request: Request) -> Response:
        """Answer an operation of Comprehend that a model computes."""
        task, is_batch = operation.task, operation.is_batch

        async def read(request: Request) -> Asked:
            asked = await self._texts(is_batch, request)
            models = [model for model in self.core.models() if model.task == task]
            model = model_in_language(asked.language, models, "LanguageCode")
            how = RequestOptions(on_blank="error", partial=is_batch, model=model.id)
            options = {"neutral": True} if task == "sentiment" and has_neutral(model) else {}
            content = PredictionRequest(task, asked.texts, options, how=how)
            predict = partial(self._predict_with_rules, asked) if operation.has_rules else None
            return Asked(content, partial(write_texts, operation.write, is_batch), predict)

        return await self.answer(request, task, read)

    async def _predict_with_rules(
        self, asked: _Texts, content: PredictionRequest, call: Call
    ) -> Prediction:
        """Predict, and add the personal data that rules find."""
        prediction = await self.core.predict(content, call)
        texts = [(text, asked.language) for text in asked.texts]
        results = await self.core.personal_data.add_to(prediction.results, texts, call.deadline)
        return replace(prediction, results=results)

    async def detect(self, is_batch: bool, request: Request) -> Response:
        """Detect the dominant languages of texts."""

        async def compute(asked: _Texts, _: Call) -> Sequence[DetectionResult]:
            return await detect_languages(asked.texts)

        self.core.require_running()
        read = partial(self._texts, is_batch)
        found, _ = await self.exchange(request, self.settings.max_timeout_ms, read, compute)
        rows: list[Json] = [{"Languages": languages_of(one)} for one in found]
        return respond(rows, [], is_batch)

    async def translate(self, request: Request) -> Response:
        """Translate a text."""

        async def read(request: Request) -> Asked:
            asked = validate(Translation, await self._document(request))
            names = asked.TerminologyNames
            if len(names) > 1:
                raise InputError("TerminologyNames: at most one.")
            content = PredictionRequest(
                "translation",
                [asked.Text],
                {"glossary": names[0]} if names else {},
                asked.SourceLanguageCode,
                asked.TargetLanguageCode,
                RequestOptions(on_blank="error"),
            )
            predict = partial(predict_mixed, self.core, self.settings)
            return Asked(content, partial(write_translation, asked), predict)

        return await self.answer(request, "translation", read)

    async def languages(self, request: Request) -> Response:
        """List the languages of translations."""
        tags = served_languages(self.core.models())
        listed = [{"LanguageName": name_of(tag), "LanguageCode": tag} for tag in tags]
        return json_1_1({"Languages": listed, "DisplayLanguageCode": "en"})


Handler = Callable[[AwsDialect, Request], Awaitable[Response]]


def _comprehend(
    task: Task,
    write: Callable[[Mapping[str, Any]], Json],
    *,
    is_batch: bool = False,
    has_rules: bool = False,
) -> Handler:
    operation = _Operation(task, write, is_batch, has_rules)
    return lambda dialect, request: dialect.comprehend(operation, request)


def _detection(is_batch: bool) -> Handler:
    return lambda dialect, request: dialect.detect(is_batch, request)


_OPERATIONS: Mapping[str, Handler] = {
    f"{_COMPREHEND}.DetectEntities": _comprehend("ner", entities_of),
    f"{_COMPREHEND}.BatchDetectEntities": _comprehend("ner", entities_of, is_batch=True),
    f"{_COMPREHEND}.DetectSentiment": _comprehend("sentiment", sentiment_of),
    f"{_COMPREHEND}.BatchDetectSentiment": _comprehend("sentiment", sentiment_of, is_batch=True),
    f"{_COMPREHEND}.DetectPiiEntities": _comprehend("ner", pii_of, has_rules=True),
    f"{_COMPREHEND}.ContainsPiiEntities": _comprehend("ner", pii_labels_of, has_rules=True),
    f"{_COMPREHEND}.DetectDominantLanguage": _detection(False),
    f"{_COMPREHEND}.BatchDetectDominantLanguage": _detection(True),
    f"{_TRANSLATE}.TranslateText": AwsDialect.translate,
    f"{_TRANSLATE}.ListLanguages": AwsDialect.languages,
}


def _names() -> list[str]:
    return list(_OPERATIONS)
