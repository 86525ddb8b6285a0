"""The OpenAPI document: built from the pydantic models, with responses of the shipped bundles as examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from seqserve import errors
from seqserve.errors import SeqserveError
from seqserve.tasks import TASKS
from service.api import schemas
from service.api.examples import load_examples
from service.api.schemas import RouteSchema, TaskSchema
from service.http.event_stream import MEDIA_TYPE
from service.http.keys import KeyScope
from service.settings import Settings

API_VERSION = "1"
Json = dict[str, Any]

_DETECTION_TAG = "Language detection"
_MODELS_TAG, _HEALTH_TAG = "Models", "Health and metrics"
_DESCRIPTION = """\
Named entity recognition, sentiment, classification and translation, on CPUs.

`text` takes one text or a list of texts. A response has one result per text, in the same order. All errors
are `application/problem+json` (RFC 9457): `code` identifies the error, `detail` says what to change.
`docs/api.md` in the source repository describes every option and error.

**Limits of a request**

| limit | value | setting | error |
|---|---|---|---|
| size of the body | {max_body_bytes:,} bytes | `SEQSERVE_MAX_BODY_BYTES` | 413 `body_too_large` |
| number of texts | {max_texts:,} | `SEQSERVE_MAX_TEXTS` | 413 `too_many_texts` |
| length of all texts | {max_chars} characters | `SEQSERVE_…_MAX_CHARS` | 413 `body_too_large` |
| length of a text | {max_text_chars:,} characters | `SEQSERVE_MAX_TEXT_CHARS` | 413 `text_too_long` |
| timeout | {timeouts} | `SEQSERVE_…_TIMEOUT_MS`, header `X-Timeout-Ms` | 504 `deadline_exceeded` |
"""
_DEFAULTS = "\nThese are the defaults; this server may have other values.\n"
_DEMO = "\n[Demo page](./)\n"

_ANYWHERE = (errors.MethodNotAllowed, SeqserveError)
_TEXT_ERRORS: tuple[type[SeqserveError], ...] = (
    errors.InvalidJson,
    errors.BodyTooLarge,
    errors.TextTooLong,
    errors.TooManyTexts,
    errors.UnsupportedMediaType,
    errors.InputError,
    errors.Draining,
    errors.DeadlineExceeded,
)
_QUEUE_ERRORS: tuple[type[SeqserveError], ...] = (
    errors.Overloaded,
    errors.NotReady,
    errors.UnavailableError,
)
_CODE = "Error code "
_KEY_ERRORS = (errors.MissingKey, errors.UnknownKey, errors.RateLimited)
_HEADERS: list[Json] = [
    {
        "name": "X-Request-ID",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Identifies the request in the response and in the log: 1 to 128 characters of "
        "`A-Z a-z 0-9 . _ : + / = -`. Without a valid one, the server generates it.",
    },
    {
        "name": "X-Timeout-Ms",
        "in": "header",
        "schema": {"type": "integer", "minimum": 1},
        "description": "Timeout of this request in milliseconds.",
    },
    {
        "name": "X-Sticky-Key",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Where the server divides requests among several models, requests with the same key get "
        "the same model. Default: the id of the request.",
    },
]


_RESPONSE_HEADERS: Json = {
    "X-Request-ID": {"schema": {"type": "string"}, "description": "Identifier of the request."},
    "Server-Timing": {"schema": {"type": "string"}, "description": "Milliseconds per stage."},
}


def build_document(
    tasks: Sequence[TaskSchema],
    keys: KeyScope | None = None,
    *,
    has_health: bool = True,
    settings: Settings | None = None,
) -> Json:
    """Build the OpenAPI 3.1 document of all routes.

    Args:
        tasks: The served tasks.
        keys: The routes that require an API key, if any.
        has_health: Whether metrics and probes are served on this port.
        settings: The limits to document; the defaults if None.
    """
    models: list[type[BaseModel]] = [schemas.Problem, schemas.Models]
    models += [schemas.Health] if has_health else []
    for route in (*tasks, schemas.DETECTION):
        models += [route.request, route.answer]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    paths: Json = {task.path: {"post": _prediction(task)} for task in tasks}
    paths[schemas.DETECTION.path] = {"post": _detection()}
    paths["/v1/models"] = {
        "get": _get("List the models", _MODELS_TAG, schemas.Models, (errors.NotReady,))
    }
    if has_health:
        paths |= _health_paths()
    _show_examples(paths)
    components: Json = {"schemas": definitions["$defs"]}
    if keys is not None:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, methods in paths.items():
            if keys == "all" or path.startswith("/v1/"):
                _demand_key(methods)
    if settings is not None and "*" not in settings.allowed_hosts:
        for methods in paths.values():
            for operation in methods.values():
                _add_problems(operation, (errors.HostNotAllowed,))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seqserve",
            "version": API_VERSION,
            "description": _describe(tasks, settings),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": _tags(tasks, has_health),
        "paths": paths,
        "components": components,
    }


def _describe(tasks: Sequence[TaskSchema], settings: Settings | None) -> str:
    """Describe the API and its limits."""
    limits = settings or Settings.model_construct()
    names = [task.name for task in tasks]
    timeouts = ", ".join(f"{name} {limits.timeout_ms(name) / 1000:g} s" for name in names)
    described = _DESCRIPTION.format(
        max_body_bytes=limits.max_body_bytes,
        max_texts=limits.max_texts,
        max_chars=", ".join(f"{name} {limits.max_chars_of(name):,}" for name in names),
        max_text_chars=limits.max_text_chars,
        timeouts=timeouts,
    )
    if settings is None:
        described += _DEFAULTS
    return described + (_DEMO if limits.demo else "")


def _tags(tasks: Sequence[TaskSchema], has_health: bool) -> list[Json]:
    """List the groups of operations: one per task, then models and health."""
    named = {TASKS[task.name].title: TASKS[task.name].summary for task in tasks}
    named[_DETECTION_TAG] = "Detect the language of texts"
    named[_MODELS_TAG] = "The loaded models with their labels, limits and quality metrics"
    if has_health:
        named[_HEALTH_TAG] = "Probes and Prometheus metrics for operators"
    return [{"name": name, "description": text} for name, text in named.items()]


def _health_paths() -> Json:
    unready = (errors.NotReady, errors.Draining)
    metrics = {
        "summary": "Export Prometheus metrics",
        "tags": [_HEALTH_TAG],
        "responses": {
            "200": {
                "description": "Metrics in the Prometheus text format.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
            **_problems(_ANYWHERE),
        },
    }
    return {
        "/livez": {"get": _get("Check that the process is alive", _HEALTH_TAG, schemas.Health)},
        "/readyz": {
            "get": _get("Check that all models are ready", _HEALTH_TAG, schemas.Health, unready)
        },
        "/metrics": {"get": metrics},
    }


def _show_examples(paths: Json) -> None:
    """Add the examples to the documented operations; failing requests are left out."""
    for example in load_examples():
        operation = paths.get(example.path, {}).get(example.method)
        if operation is None:
            continue
        answer, *_ = operation["responses"][str(example.status)]["content"].values()
        shown = [(answer, example.answer)]
        if example.request is not None and example.status == 200:
            shown.append((*operation["requestBody"]["content"].values(), example.request))
        for content, value in shown:
            named = {"summary": example.summary, "value": value}
            content.setdefault("examples", {})[example.name] = named


def _demand_key(methods: Json) -> None:
    """Add the API key and its errors to the operations of a path."""
    for operation in methods.values():
        operation["security"] = [{"key": []}]
        _add_problems(operation, _KEY_ERRORS)


def _add_problems(operation: Json, kinds: Iterable[type[SeqserveError]]) -> None:
    """Add errors to an operation, also where it has others of the same status."""
    responses: Json = operation["responses"]
    for status, problem in _problems(kinds).items():
        if status in responses:
            problem["description"] = f"{responses[status]['description']}, " + problem[
                "description"
            ].removeprefix(_CODE)
        responses[status] = problem
    operation["responses"] = dict(sorted(responses.items()))


def _content(model: type[BaseModel], media_type: str = "application/json") -> Json:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _prediction(task: TaskSchema) -> Json:
    kinds = [*_TEXT_ERRORS, errors.UnknownModel, *_QUEUE_ERRORS]
    if TASKS[task.name].is_pair:
        kinds.append(errors.UnsupportedLanguagePair)
    operation = _on_texts(task, TASKS[task.name].summary, TASKS[task.name].title, kinds)
    events = {
        "type": "string",
        "description": "Server-sent events: `result` per text, then `done`.",
    }
    operation["responses"]["200"]["content"][MEDIA_TYPE] = {"schema": events}
    return operation


def _detection() -> Json:
    return _on_texts(schemas.DETECTION, "Detect languages", _DETECTION_TAG, _TEXT_ERRORS)


def _on_texts(
    route: RouteSchema, summary: str, tag: str, kinds: Sequence[type[SeqserveError]]
) -> Json:
    """Return the operation of a route that takes texts."""
    return {
        "summary": summary,
        "tags": [tag],
        "parameters": _HEADERS,
        "requestBody": {
            "description": "JSON in UTF-8, optionally with `Content-Encoding: gzip`.",
            "required": True,
            "content": _content(route.request),
        },
        "responses": {
            "200": {
                "description": "One result per text, in the order of the texts.",
                "headers": _RESPONSE_HEADERS,
                "content": _content(route.answer),
            },
            **_problems((*kinds, *_ANYWHERE)),
        },
    }


def _get(
    summary: str, tag: str, model: type[BaseModel], kinds: Iterable[type[SeqserveError]] = ()
) -> Json:
    return {
        "summary": summary,
        "tags": [tag],
        "responses": {
            "200": {"description": "OK", "content": _content(model)},
            **_problems((*kinds, *_ANYWHERE)),
        },
    }


def _problems(kinds: Iterable[type[SeqserveError]]) -> Json:
    """Return one response per status, with its error codes."""
    codes: dict[int, list[str]] = {}
    for kind in kinds:
        codes.setdefault(kind.status, []).append(kind.code)
    responses: Json = {}
    for status, names in sorted(codes.items()):
        described = ", ".join(f"`{name}`" for name in names)
        responses[str(status)] = {
            "description": f"{_CODE}{described}",
            "content": _content(schemas.Problem, "application/problem+json"),
        }
    return responses
