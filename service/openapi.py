"""The OpenAPI document, generated from the pydantic models, and the Swagger page that shows it.

The page works offline: BentoML ships Swagger's files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import bentoml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from seqserve import errors
from seqserve.errors import SeqserveError
from service import schemas
from service.tasks import Task

API_VERSION = "1"
ASSETS = Path(bentoml.__file__).parent / "_internal" / "server" / "static_content"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>seqserve API</title>
  <link rel="stylesheet" href="docs/assets/swagger-ui.css">
  <link rel="icon" href="data:,">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="docs/assets/swagger-ui-bundle.js"></script>
  <script>SwaggerUIBundle({url: "docs.json", dom_id: "#swagger-ui", deepLinking: true})</script>
</body>
</html>
"""
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


def build_document(tasks: Sequence[Task]) -> Json:
    """The OpenAPI 3.1 document of all routes."""
    models: list[type[BaseModel]] = [schemas.Problem, schemas.Models, schemas.Health]
    for task in tasks:
        models += [task.request, task.answer]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    paths: Json = {task.path: {"post": _prediction(task)} for task in tasks}
    unready = (errors.NotReady, errors.Draining)
    paths["/v1/models"] = {"get": _get("Loaded models", schemas.Models, (errors.NotReady,))}
    paths["/livez"] = {"get": _get("Is the process alive?", schemas.Health)}
    paths["/readyz"] = {"get": _get("Does every model answer?", schemas.Health, unready)}
    paths["/metrics"] = {
        "get": {
            "summary": "Prometheus metrics",
            "responses": {
                "200": {
                    "description": "Prometheus text format",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                **_problems(_ANYWHERE),
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seqserve",
            "version": API_VERSION,
            "description": "Named entities, sentiment and translation.",
        },
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def _content(model: type[BaseModel], media_type: str = "application/json") -> Json:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _prediction(task: Task) -> Json:
    kinds = list(_PREDICTION_ERRORS)
    if task.name == "translation":
        kinds.append(errors.UnsupportedLanguagePair)
    return {
        "summary": task.summary,
        "parameters": _HEADERS,
        "requestBody": {
            "description": "As it is, or with Content-Encoding: gzip.",
            "required": True,
            "content": _content(task.request),
        },
        "responses": {
            "200": {
                "description": "One result per text, in the order of the texts.",
                "headers": {"Server-Timing": {"schema": {"type": "string"}}},
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
            "description": f"Code {described}",
            "content": _content(schemas.Problem, "application/problem+json"),
        }
    return responses
