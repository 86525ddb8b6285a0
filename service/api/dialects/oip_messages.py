"""The messages of the Open Inference Protocol: a request for an inference, and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from seqserve.errors import InvalidJson
from seqserve.strict_json import parse_json
from service.api.core import Prediction
from service.api.dialects.document import INTEGER, STRING, list_of, object_of
from service.api.dialects.oip_tensors import Output, encode

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header of a message with binary tensors: the length of the JSON before them."""

_LENIENT = ConfigDict(strict=True, frozen=True, extra="ignore")

Json = dict[str, Any]


class Tensor(BaseModel):
    """An input: its elements in JSON, or behind it in binary."""

    model_config = _LENIENT
    name: str
    datatype: str
    shape: list[Annotated[int, Field(ge=0)]]
    data: list[Any] | None = None
    parameters: Json = {}


class RequestedOutput(BaseModel):
    """An output, and whether it is to be binary."""

    model_config = _LENIENT
    name: str
    parameters: Json = {}


class InferRequest(BaseModel):
    """A request for an inference."""

    model_config = _LENIENT
    id: str = ""
    inputs: Annotated[list[Tensor], Field(min_length=1, max_length=1)]
    outputs: list[RequestedOutput] = []
    parameters: Json = {}


_TENSOR = object_of(
    {"name": STRING, "datatype": STRING, "shape": list_of(INTEGER), "data": list_of({})},
    optional=("data",),
)
INFERRED = object_of(
    {"model_name": STRING, "model_version": STRING, "id": STRING, "outputs": list_of(_TENSOR)}
)


def split_body(n_header: int | None, max_values: int, body: bytearray) -> tuple[object, bytes]:
    """Return the JSON of a body, and the bytes behind it.

    Raises:
        InvalidJson: The body is shorter than its JSON, or as for `parse_json`.
    """
    if n_header is not None and n_header > len(body):
        raise InvalidJson(f"{HEADER_LENGTH}: is larger than the body.")
    end = len(body) if n_header is None else n_header
    return parse_json(body[:end], max_values), bytes(body[end:])


def write_inferred(
    asked: InferRequest, outputs: Sequence[Output], shape: Sequence[int], prediction: Prediction
) -> Response:
    """Return the outputs: in binary where that is requested, else in JSON."""
    model = prediction.model
    are_binary = {one.name: one.parameters.get("binary_data", False) for one in asked.outputs}
    default = asked.parameters.get("binary_data_output", False)
    tensors, tail = [], b""
    for output in outputs:
        values = output.values(prediction.results, model)
        tensor: Json = {
            "name": output.name,
            "datatype": output.datatype,
            "shape": output.shape(shape, model),
        }
        if are_binary.get(output.name, default):
            raw = encode(output.datatype, values)
            tensor["parameters"] = {"binary_data_size": len(raw)}
            tail += raw
        else:
            tensor["data"] = values
        tensors.append(tensor)
    document = {
        "model_name": model.name,
        "model_version": model.version,
        "id": asked.id,
        "outputs": tensors,
    }
    head = orjson.dumps(document)
    if not tail:
        return Response(head, media_type="application/json")
    headers = {HEADER_LENGTH: str(len(head))}
    return Response(head + tail, headers=headers, media_type="application/octet-stream")
