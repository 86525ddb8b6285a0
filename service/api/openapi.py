"""The OpenAPI document, from the pydantic models, with examples of what the shipped bundles answer."""

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
from service.api.schemas import TaskSchema
from service.http.keys import KeyScope

API_VERSION = "1"
Json = dict[str, Any]

_ANYWHERE = (errors.MethodNotAllowed, SeqserveError)
_PREDICTION_ERRORS: tuple[type[SeqserveError], ...] = (
    errors.InvalidJson,
    errors.BodyTooLarge,
    errors.TextTooLong,
    errors.TooManyTexts,
    errors.UnsupportedMediaType,
    errors.InputError,
    errors.Overloaded,
    errors.NotReady,
    errors.Draining,
    errors.UnavailableError,
    errors.DeadlineExceeded,
)
_CODE = "Code "
_KEY_ERRORS = (errors.MissingKey, errors.UnknownKey, errors.RateLimited)
_HEADERS: list[Json] = [
    {
        "name": "X-Request-ID",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Comes back with the answer; made where absent, or where it is not 1..128 of "
        "`A-Z a-z 0-9 . _ : + / = -`.",
    },
    {
        "name": "X-Timeout-Ms",
        "in": "header",
        "schema": {"type": "integer", "minimum": 1},
        "description": "Deadline in milliseconds.",
    },
]


_STAMPS: Json = {name: {"schema": {"type": "string"}} for name in ("X-Request-ID", "Server-Timing")}


def build_document(
    tasks: Sequence[TaskSchema], keys: KeyScope | None = None, *, has_health: bool = True
) -> Json:
    """The OpenAPI 3.1 document of all routes.

    Args:
        tasks: What is served.
        keys: What needs a key, if any.
        has_health: Whether metrics and probes are served on this port.
    """
    models: list[type[BaseModel]] = [schemas.Problem, schemas.Models]
    models += [schemas.Health] if has_health else []
    for task in tasks:
        models += [task.request, task.answer]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    paths: Json = {task.path: {"post": _prediction(task)} for task in tasks}
    paths["/v1/models"] = {"get": _get("Loaded models", schemas.Models, (errors.NotReady,))}
    if has_health:
        paths |= _health_paths()
    _show_examples(paths)
    components: Json = {"schemas": definitions["$defs"]}
    if keys is not None:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, methods in paths.items():
            if keys == "all" or path.startswith("/v1/"):
                _demand_key(methods)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seqserve",
            "version": API_VERSION,
            "description": "Named entities, sentiment and translation.",
        },
        "paths": paths,
        "components": components,
    }


def _health_paths() -> Json:
    unready = (errors.NotReady, errors.Draining)
    metrics = {
        "summary": "Prometheus metrics",
        "responses": {
            "200": {
                "description": "Prometheus text format",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
            **_problems(_ANYWHERE),
        },
    }
    return {
        "/livez": {"get": _get("Is the process alive?", schemas.Health)},
        "/readyz": {"get": _get("Does every model answer?", schemas.Health, unready)},
        "/metrics": {"get": metrics},
    }


def _show_examples(paths: Json) -> None:
    """Adds the examples to the operations that are there; requests only where they succeed."""
    for example in load_examples():
        operation = paths.get(example.path, {}).get(example.method)
        if operation is None:
            continue
        (answer,) = operation["responses"][str(example.status)]["content"].values()
        shown = [(answer, example.answer)]
        if example.request is not None and example.status == 200:
            shown.append((*operation["requestBody"]["content"].values(), example.request))
        for content, value in shown:
            named = {"summary": example.summary, "value": value}
            content.setdefault("examples", {})[example.name] = named


def _demand_key(methods: Json) -> None:
    """Adds the key, and the errors that go with it, to the operations of a path."""
    for operation in methods.values():
        operation["security"] = [{"key": []}]
        responses: Json = operation["responses"]
        for status, problem in _problems(_KEY_ERRORS).items():
            if status in responses:
                problem["description"] = f"{responses[status]['description']}, " + problem[
                    "description"
                ].removeprefix(_CODE)
            responses[status] = problem
        operation["responses"] = dict(sorted(responses.items()))


def _content(model: type[BaseModel], media_type: str = "application/json") -> Json:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _prediction(task: TaskSchema) -> Json:
    kinds = list(_PREDICTION_ERRORS)
    if TASKS[task.name].is_pair:
        kinds.append(errors.UnsupportedLanguagePair)
    return {
        "summary": TASKS[task.name].summary,
        "parameters": _HEADERS,
        "requestBody": {
            "description": "As it is, or with Content-Encoding: gzip.",
            "required": True,
            "content": _content(task.request),
        },
        "responses": {
            "200": {
                "description": "One result per text, in the order of the texts.",
                "headers": _STAMPS,
                "content": _content(task.answer),
            },
            **_problems((*kinds, *_ANYWHERE)),
        },
    }


def _get(summary: str, model: type[BaseModel], kinds: Iterable[type[SeqserveError]] = ()) -> Json:
    return {
        "summary": summary,
        "responses": {
            "200": {"description": "OK", "content": _content(model)},
            **_problems((*kinds, *_ANYWHERE)),
        },
    }


def _problems(kinds: Iterable[type[SeqserveError]]) -> Json:
    """One response per status, which names the codes that go with it."""
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
