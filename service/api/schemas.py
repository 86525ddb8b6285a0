"""The JSON of the native API as pydantic models, derived from the dataclasses of records/ and model_info.py.

Those define fields, defaults, ranges and descriptions. Limits that an operator can change (body, texts,
characters) are checked in texts.py, because their errors are 413.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, is_dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, WithJsonSchema, create_model
from pydantic import Field as Constraint

from seqserve.model_info import ModelInfo as ModelInfoRecord
from seqserve.records import AUTO, DetectionResult, FailedText, Range, RequestOptions, api_fields
from seqserve.tasks import DETECTION_PATH, TASKS, Task, TaskSpec


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Texts = Annotated[
    Annotated[list[str], FailFast()],  # a body can hold a million invalid texts
    BeforeValidator(_as_list),
    Constraint(min_length=1),
    WithJsonSchema(
        {
            "title": "Text",
            "description": "One text, or a list of texts.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
        }
    ),
]
Language = Annotated[
    str, Constraint(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$", max_length=35)
]

_REQUEST = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
_RESPONSE = ConfigDict(extra="forbid")
_RESPONSE_MODELS: dict[type[Any], type[BaseModel]] = {}
_OMITTED = "May be omitted if only one loaded pair matches."
_LANGUAGES = {
    "source": f"A language tag, or `{AUTO}` to detect it per text. {_OMITTED}",
    "target": f"A language tag. {_OMITTED}",
}


def response_model(kind: type[Any]) -> type[BaseModel]:
    """Return the response model of a dataclass: its API fields, with the models of nested dataclasses."""
    if kind not in _RESPONSE_MODELS:
        _RESPONSE_MODELS[kind] = _derive(kind)
    return _RESPONSE_MODELS[kind]


def _derive(kind: type[Any]) -> type[BaseModel]:
    hints = get_type_hints(kind, include_extras=True)
    summary, described = _read_docstring(kind)
    fields: dict[str, Any] = {
        one.name: (_json_type(hints[one.name]), _constraints(one, described.get(one.name)))
        for one in api_fields(kind)
    }
    return create_model(
        kind.__name__, __config__=_RESPONSE, __doc__=summary, __module__=__name__, **fields
    )


def _request_model(spec: TaskSpec) -> type[BaseModel]:
    """Return the request model of a task: the texts, the options of the task's item, and those of all tasks."""
    languages = {
        name: (Language | None, Constraint(default=None, description=description))
        for name, description in (_LANGUAGES if spec.is_pair else {}).items()
    }
    options = {**_options(spec.item), **_options(RequestOptions)}
    fields: dict[str, Any] = {"text": (Texts, ...), **languages, **options}
    return create_model(
        f"{spec.command.capitalize()}Request",
        __config__=_REQUEST,
        __doc__=f"{spec.summary}.",
        __module__=__name__,
        **fields,
    )


def _options(kind: type[Any]) -> dict[str, Any]:
    """Return the fields of a dataclass besides the text, as pydantic's `create_model` takes them."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        one.name: (_json_type(hints[one.name]), _constraints(one))
        for one in api_fields(kind)
        if one.name != "text"
    }


def _json_type(hint: Any) -> Any:
    """Return the type that pydantic is to validate for the type of a dataclass field."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(args[1], Range):
        return Annotated[args[0], Constraint(ge=args[1].minimum, le=args[1].maximum)]
    if isinstance(hint, type) and is_dataclass(hint):
        return response_model(hint)
    if origin is Mapping:
        return dict.__class_getitem__((args[0], _json_type(args[1])))
    if origin in (tuple, Sequence):
        return list.__class_getitem__(_json_type(args[0]))
    if type(None) in args:
        return reduce(or_, map(_json_type, args))
    return hint


def _constraints(one: Field[Any], description: str | None = None) -> Any:
    """Return pydantic's default and constraints of a dataclass field."""
    bounds = {name: value for name, value in one.metadata.items() if name != "option"}
    bounds["description"] = bounds.get("description") or description
    if one.default_factory is not MISSING:
        return Constraint(default_factory=one.default_factory, **bounds)
    if one.default is MISSING:
        return Constraint(**bounds)
    if one.default == ():
        return Constraint(default_factory=list, **bounds)
    return Constraint(default=one.default, **bounds)


def _read_docstring(kind: type[Any]) -> tuple[str, dict[str, str]]:
    """Return the text of a docstring without its sections, and the descriptions below `Args:`."""
    text, _, arguments = (inspect.getdoc(kind) or "").partition("\n\nArgs:\n")
    described = re.findall(r"^    (\w+): (.+(?:\n {6,}.+)*)", arguments, re.MULTILINE)
    return text, {name: re.sub(r"\s+", " ", line) for name, line in described}


@dataclass(frozen=True)
class Usage:
    """The size of the request."""

    n_texts: int
    n_tokens: int


def _answer_model(command: str, result: Any) -> type[BaseModel]:
    fields: dict[str, Any] = {
        "model": (str, ...),
        "version": (str, ...),
        "usage": (response_model(Usage), ...),
        "results": (list.__class_getitem__(result), ...),
    }
    return create_model(
        f"{command.capitalize()}Answer",
        __config__=_RESPONSE,
        __doc__="One result per text, in the order of the texts.",
        __module__=__name__,
        **fields,
    )


@dataclass(frozen=True)
class RouteSchema:
    """The JSON of a route of the native API that takes texts.

    Args:
        path: The route.
        request: Validates the body of a request.
        answer: Describes the body of a response.
    """

    path: str
    request: type[BaseModel]
    answer: type[BaseModel]


@dataclass(frozen=True)
class TaskSchema(RouteSchema):
    """The JSON of a prediction route; `name` is its task."""

    name: Task


SCHEMAS: Mapping[Task, TaskSchema] = {
    spec.name: TaskSchema(
        spec.path,
        _request_model(spec),
        _answer_model(spec.command, response_model(spec.result) | response_model(FailedText)),
        spec.name,
    )
    for spec in TASKS.values()
}


class DetectRequest(BaseModel):
    """Detect the language of texts."""

    model_config = _REQUEST

    text: Texts


DETECTION = RouteSchema(
    DETECTION_PATH, DetectRequest, _answer_model("detect", response_model(DetectionResult))
)

ModelInfo = response_model(ModelInfoRecord)


class Models(BaseModel):
    """All loaded bundles."""

    model_config = _RESPONSE

    models: list[ModelInfo]  # type: ignore[valid-type]


class Health(BaseModel):
    """The state of the server."""

    model_config = _RESPONSE

    status: Literal["alive", "ready"]


class Problem(BaseModel):
    """An error, as in RFC 9457."""

    model_config = _RESPONSE

    type: Literal["about:blank"]
    title: str
    status: int
    code: str
    detail: str
    request_id: str
