"""Generate the tables of settings and of metrics in docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel

from service.settings import PREFIX, Settings
from service.telemetry import metrics
from service.telemetry.metrics_page import OF_PROCESSES

Row = tuple[str, ...]
SETTINGS_HEAD: Row = ("variable", "default", "allowed", "description")
METRICS_HEAD: Row = ("metric", "type", "labels", "description")


def settings_rows(model: type[BaseModel] = Settings) -> Iterator[Row]:
    """Return variable, default, allowed values and purpose of every setting, in the order of the code.

    Args:
        model: Whose fields are the settings.
    """
    for name, schema in model.model_json_schema()["properties"].items():
        variable, default = _code(PREFIX + name.upper()), _default(schema.get("default"))
        yield variable, default, _allowed(schema), schema.get("description", "")


def metrics_rows() -> Iterator[Row]:
    """Return name, type, labels and meaning of every metric, by name."""
    rows = [
        _metric_row(one) for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)
    ]
    for name, text in OF_PROCESSES.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        rows.append((_code(name), kind, _code("process"), text))
    yield from sorted(rows)


def _metric_row(metric: MetricWrapperBase) -> Row:
    (described,) = metric.describe()
    name = described.name + ("_total" if described.type == "counter" else "")
    labels = ", ".join(map(_code, metric._labelnames))
    return _code(name), described.type, labels, described.documentation


def _default(value: Any) -> str:
    """Return a default as it is written in the environment."""
    if value in (None, [], {}):
        return ""
    if isinstance(value, list):
        return _code(",".join(map(str, value)))
    return _code(str(value).lower() if isinstance(value, bool) else str(value))


def _allowed(schema: Mapping[str, Any]) -> str:
    """Return the allowed values in words.

    Args:
        schema: JSON Schema of one value.
    """
    if "anyOf" in schema:
        return " or ".join(_allowed(option) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(_code(str(value)) for value in schema.get("enum", [schema.get("const")]))
    kind = schema["type"]
    if kind == "array":
        return f"{_allowed(schema['items'])}, comma-separated"
    if kind == "string" and "pattern" in schema:
        return f"matches {_code(schema['pattern'])}"
    if kind == "string" and schema.get("format") in _PATHS:
        return "a path"
    return " ".join([_KINDS[kind], " and ".join(_bounds(schema))]).strip()


_KINDS = {
    "boolean": "`true`, `false`",
    "integer": "whole number",
    "null": "unset",
    "number": "number",
    "object": "JSON object",
    "string": "any text",
}
_PATHS = {"path", "file-path", "directory-path"}


_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    return [f"{sign} {schema[bound]:g}" for bound, sign in _BOUNDS.items() if bound in schema]


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
