"""The OpenAPI document of a dialect: its operations, with the schemas of its pydantic models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api.dialects.base import Dialect

Json = dict[str, Any]

STRING: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
INTEGER: Json = {"type": "integer"}

_SCHEMAS = "#/components/schemas/"
_ERROR = "Error"
_DESCRIPTION = """\
Compatible with the clients of {title}. Queues, limits, deadlines and keys are those of [the server's own
API]({up}docs), which has options and warnings that this one lacks.

Key, if the server requires one: `{hint}`.
"""


def build_dialect_document(dialect: Dialect) -> Json:
    """Build the OpenAPI 3.1 document of a dialect."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in dialect.models], ref_template=_SCHEMAS + "{model}"
    )
    schemas = {**definitions.get("$defs", {}), _ERROR: dialect.error_schema}
    described = _DESCRIPTION.format(title=dialect.title, up="../", hint=dialect.key.hint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"seqserve: {dialect.title}",
            "version": "1",
            "description": described,
        },
        "paths": dict(dialect.openapi_paths()),
        "components": {"schemas": schemas},
    }


def ref(model: type[BaseModel]) -> Json:
    """Return the reference to the schema of a model in `Dialect.models`."""
    return {"$ref": _SCHEMAS + model.__name__}


def list_of(schema: Json) -> Json:
    """Return the schema of a list."""
    return {"type": "array", "items": schema}


def object_of(properties: Mapping[str, Json], optional: Sequence[str] = ()) -> Json:
    """Return the schema of an object, whose properties are required unless they are named as optional."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def operation(
    summary: str,
    answer: Json | None,
    *,
    body: Json | None = None,
    media_types: Sequence[str] = ("application/json",),
    parameters: Sequence[str] = (),
) -> Json:
    """Return an operation.

    Args:
        summary: What it does.
        answer: The schema of a successful answer; None if that is empty.
        body: The schema of the body, if it takes one.
        media_types: Of the body.
        parameters: Of the path, or with a leading `?` of the query string.
    """
    content = {"content": {"application/json": {"schema": answer}}} if answer is not None else {}
    error = {"application/json": {"schema": {"$ref": _SCHEMAS + _ERROR}}}
    described: Json = {
        "summary": summary,
        "parameters": [_parameter(name) for name in parameters],
        "responses": {
            "200": {"description": "OK", **content},
            **{
                status: {"description": "The request cannot be answered.", "content": error}
                for status in ("4XX", "5XX")
            },
        },
    }
    if body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {media_type: {"schema": body} for media_type in media_types},
        }
    return described


def _parameter(name: str) -> Json:
    is_in_query = name.startswith("?")
    return {
        "name": name.removeprefix("?"),
        "in": "query" if is_in_query else "path",
        "required": not is_in_query,
        "schema": STRING,
    }
