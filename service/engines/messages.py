"""The objects that the gateway and the engines exchange: inference items and results.

They stay objects while both ends are in one process. `codec.py` encodes them for another process.
"""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from itertools import count
from typing import Any, cast

from seqserve.records import api_fields

# Unique over all processes, so that an id of one gateway never means an item of another.
_PROCESS = uuid.uuid4().hex
_COUNT = count()


def _new_cancellation_id() -> str:
    return f"{_PROCESS}-{next(_COUNT)}"


@dataclass(slots=True)  # not frozen: constructing a frozen one takes twice as long
class InferenceItem:
    """One text to be processed by a model.

    Args:
        request_id: Of the request that the text belongs to.
        model: Name of the bundle.
        item: Fields of the task's item in seqserve/records.py.
        deadline: Time of `time.monotonic` in this process after which the result is not needed.
        cancellation_id: Identifies the text in `EngineHost.cancel`. The request id would not do: the
            caller chooses it.
        traceparent: Of the parent span, in W3C's form; empty if the request is not traced.
        queued_ns: When it was queued, in nanoseconds since 1970; stays in the gateway.
    """

    request_id: str
    model: str
    item: dict[str, Any]
    deadline: float
    cancellation_id: str = field(default_factory=_new_cancellation_id)
    traceparent: str = ""
    queued_ns: int = 0


@dataclass(slots=True)
class InferenceResult:
    """The result of one text as plain JSON values.

    Args:
        fields: The fields that the API's JSON has.
        n_tokens: Tokens of the text, as the model counts them.
    """

    fields: dict[str, Any]
    n_tokens: int


def to_inference_result(result: Any) -> InferenceResult:
    """Convert a result of seqserve/records.py.

    Raises:
        TypeError: It holds a value that JSON cannot represent.
    """
    fields = {name: _plain(getattr(result, name)) for name in _api_names(_key(result))}
    return InferenceResult(fields, _plain(result.n_tokens) or 0)


def _key(value: object) -> Any:  # a type is hashable, which mypy does not know of every type[…]
    return type(value)


@cache
def _api_names(kind: Hashable) -> tuple[str, ...]:
    return tuple(one.name for one in api_fields(cast(type[Any], kind)))


def _plain(value: Any) -> Any:
    """Convert dataclasses, tuples and NumPy values to what `json` would load."""
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in _api_names(_key(value))}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):  # NumPy, which need not be imported here
        return value.tolist()
    raise TypeError(f"JSON cannot represent {type(value).__name__}")
