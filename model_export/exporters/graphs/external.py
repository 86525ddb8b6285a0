"""Graphs that refer to a weights file instead of holding the weights.

ONNX lets a tensor say in which file and at which offset its bytes are, and a safetensors file is nothing
but such bytes behind a header. So all graphs of a bundle share one file, which other programs can read.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import onnx
from onnx import TensorProto

from model_export.exporters.graphs.vnni import with_signed_weights
from model_export.exporters.graphs.weights import Weights
from seqserve.runtime.session import GRAPH_SUFFIX, VNNI_SUFFIX

WEIGHTS_FILE = "weights.safetensors"

_LENGTH = struct.Struct("<Q")  # a safetensors file begins with the length of its JSON header


def offsets(contents: bytes) -> dict[str, tuple[int, int]]:
    """Return first byte and length of every tensor in a safetensors file."""
    (n_header,) = _LENGTH.unpack_from(contents)
    start = _LENGTH.size + n_header
    header = json.loads(contents[_LENGTH.size : start])
    return {
        name: (
            start + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def refer(model: onnx.ModelProto, weights: bytes, location: str = WEIGHTS_FILE) -> bytes:
    """Return a graph's file in which every tensor of the weights file is a reference to it.

    Args:
        model: With all its tensors; stays as it is.
        weights: Contents of the weights file.
        location: Its name; it must lie beside the graph's file.

    Raises:
        ValueError: A tensor has other bytes than its namesake in the weights file.
    """
    slim = _without_tensors(model)
    places = offsets(weights)
    for tensor in model.graph.initializer:
        if tensor.name not in places:
            slim.graph.initializer.add().CopyFrom(tensor)
            continue
        start, length = places[tensor.name]
        if tensor.raw_data != weights[start : start + length]:
            raise ValueError(f"{tensor.name} has other bytes in {location} than in the graph")
        reference = slim.graph.initializer.add(
            name=tensor.name,
            dims=tensor.dims,
            data_type=tensor.data_type,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (("location", location), ("offset", start), ("length", length)):
            reference.external_data.add(key=key, value=str(value))
    contents: bytes = slim.SerializeToString(deterministic=True)
    return contents


def _without_tensors(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a model without its initializers, which are nearly all of its bytes."""
    slim = onnx.ModelProto()
    _copy_fields(model, slim, but="graph")
    _copy_fields(model.graph, slim.graph, but="initializer")
    return slim


def _copy_fields(message: Any, copy: Any, but: str) -> None:
    """Copy the fields of a protobuf message, but one."""
    for field, value in message.ListFields():
        if field.name == but:
            continue
        if field.is_repeated:
            getattr(copy, field.name).MergeFrom(value)
        elif field.message_type is not None:
            getattr(copy, field.name).CopyFrom(value)
        else:
            setattr(copy, field.name, value)


def graph_files(graphs: Mapping[str, onnx.ModelProto], weights: Weights | None) -> dict[str, bytes]:
    """Return the files of graphs and of the weights that they share.

    Graphs in int8 have a second file, for CPUs that are faster with signed weights.

    Args:
        graphs: By file name, with all their tensors.
        weights: What they share; None: nothing, and their files hold all tensors.
    """
    if weights is None:
        return {name: graph.SerializeToString() for name, graph in graphs.items()}
    contents = weights.to_bytes()
    files = {WEIGHTS_FILE: contents}
    for name, graph in graphs.items():
        files[name] = refer(graph, contents)
        signed = with_signed_weights(graph)
        if signed is not None:
            files[name.removesuffix(GRAPH_SUFFIX) + VNNI_SUFFIX] = refer(signed, contents)
    return files
