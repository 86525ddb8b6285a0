"""The tensors of the Open Inference Protocol: texts in, and the results of a task out, in JSON or in binary.

A binary tensor of strings has four bytes with the length before each string, the lowest first. Binary tensors
follow the JSON of a message, in the order of the tensors in it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.tasks import Task

Datatype: TypeAlias = Literal["BYTES", "FP32"]
Results: TypeAlias = Sequence[Mapping[str, Any]]

TEXT = "text"
"""The name of the input."""
RESULT = "result"
"""The name of the output with the whole results, which is returned on request only."""

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Output:
    """An output of a task.

    Args:
        name: Of the tensor.
        datatype: Of its elements.
        values: Returns the elements of all texts, in their order.
        has_labels: Whether it has an element per label of the model, instead of one per text.
    """

    name: str
    datatype: Datatype
    values: Callable[[Results, ModelInfo], list[Any]]
    has_labels: bool = False

    def shape(self, shape: Sequence[int], model: ModelInfo) -> list[int]:
        """Return the shape for an input of a shape."""
        return [*shape, len(model.labels)] if self.has_labels else list(shape)


def _field(name: str) -> Callable[[Results, ModelInfo], list[Any]]:
    return lambda results, _: [one[name] for one in results]


def _label(results: Results, _: ModelInfo) -> list[Any]:
    return [one["label"] or "" for one in results]


def _scores(results: Results, model: ModelInfo) -> list[Any]:
    return [one["scores"].get(label, 0.0) for one in results for label in model.labels]


def _json_of(name: str) -> Callable[[Results, ModelInfo], list[Any]]:
    return lambda results, _: [orjson.dumps(one[name]).decode() for one in results]


def _whole(results: Results, _: ModelInfo) -> list[Any]:
    return [orjson.dumps(one).decode() for one in results]


_WARNINGS = Output("warnings", "BYTES", _json_of("warnings"))
_LABELS = (
    Output("label", "BYTES", _label),
    Output("score", "FP32", _field("score")),
    Output("scores", "FP32", _scores, has_labels=True),
    _WARNINGS,
)
OUTPUTS: Mapping[Task, Sequence[Output]] = {
    "ner": (Output("entities", "BYTES", _json_of("entities")),),
    "sentiment": _LABELS,
    "classification": _LABELS,
    "translation": (
        Output("translation", "BYTES", _field("text")),
        Output("score", "FP32", _field("score")),
        _WARNINGS,
    ),
}
"""The outputs of each task. `entities` and `warnings` are JSON, one list per text: their lengths differ."""
_RESULT = Output(RESULT, "BYTES", _whole)


def outputs_of(task: Task, names: Sequence[str]) -> Sequence[Output]:
    """Return the requested outputs of a task; all but the whole result if none is named.

    Raises:
        InputError: There is no such output.
    """
    known = {one.name: one for one in (*OUTPUTS[task], _RESULT)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"unexpected inference output {cut(unknown[0])!a}; outputs: {', '.join(known)}."
        )
    return [known[name] for name in names] or OUTPUTS[task]


def decode_texts(
    datatype: str, shape: Sequence[int], data: Sequence[Any] | None, raw: bytes | None
) -> list[str]:
    """Return the texts of an input, row by row.

    Args:
        datatype: Of the tensor.
        shape: Of the tensor.
        data: Its elements in JSON, nested or not; None if it is binary.
        raw: Its binary form.

    Raises:
        InputError: They are no texts, or not as many as the shape says.
    """
    if datatype != "BYTES":
        raise InputError(f"inputs: {TEXT} must have the datatype BYTES.")
    texts = _split(raw) if raw is not None else _flatten(data or ())
    if len(texts) != math.prod(shape):
        raise InputError(
            f"inputs: {TEXT} has {len(texts)} elements; its shape {list(shape)} has {math.prod(shape)}."
        )
    return texts


def _flatten(data: Sequence[Any]) -> list[str]:
    flat: list[Any] = []
    waiting = [iter(data)]
    while waiting:
        for value in waiting[-1]:
            if isinstance(value, list):
                waiting.append(iter(value))
                break
            flat.append(value)
        else:
            waiting.pop()
    if not all(isinstance(value, str) for value in flat):
        raise InputError(f"inputs: the elements of {TEXT} must be strings.")
    return flat


def _split(raw: bytes) -> list[str]:
    texts, at = [], 0
    try:
        while at < len(raw):
            (length,) = _LENGTH.unpack_from(raw, at)
            at += _LENGTH.size
            if at + length > len(raw):
                raise InputError(f"inputs: the binary data of {TEXT} stop within an element.")
            texts.append(raw[at : at + length].decode())
            at += length
    except struct.error:
        raise InputError(f"inputs: the binary data of {TEXT} stop within a length.") from None
    except UnicodeDecodeError:
        raise InputError(f"inputs: an element of {TEXT} is not UTF-8.") from None
    return texts


def encode(datatype: Datatype, values: Sequence[Any]) -> bytes:
    """Return the binary form of an output."""
    if datatype == "FP32":
        return struct.pack(f"<{len(values)}f", *values)
    encoded = [value.encode() for value in values]
    return b"".join(_LENGTH.pack(len(one)) + one for one in encoded)
