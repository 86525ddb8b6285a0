"""Graphs for CPUs that multiply unsigned by signed bytes exactly: x86 with VNNI.

All our graphs multiply unsigned by unsigned bytes, which is exact on every CPU; `GraphBuilder.unsigned` says
why. With VNNI, onnxruntime is twice as fast if the weights are signed, and the integers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

_ZERO_POINTS: Mapping[str, Mapping[int, int]] = {
    "MatMulIntegerToFloat": {1: 5},
    "DynamicQuantizeLSTM": {1: 9, 2: 11},
}
"""Per operator: the places of its weights among the inputs, and of their zero points."""
_SIGNED_ZEROS = "signed_zeros"


def with_signed_weights(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """Return a graph with the same outputs whose products have signed weights.

    Args:
        model: What a `GraphBuilder` built; stays as it is.

    Returns:
        A graph with the same weights; None: it would be the same graph.
    """
    sources = _signed_sources(model.graph)
    if not sources:
        return None
    signed = onnx.ModelProto()
    signed.CopyFrom(model)
    shapes = {tensor.name: tuple(tensor.dims) for tensor in signed.graph.initializer}
    zeros: dict[str, onnx.TensorProto] = {}
    for node in _nodes(signed.graph):
        for place, zero_place in _ZERO_POINTS.get(node.op_type, {}).items():
            if node.input[place] in sources:
                shape = shapes[node.input[zero_place]]
                name = "_".join(map(str, (_SIGNED_ZEROS, *shape)))
                zeros[name] = numpy_helper.from_array(np.zeros(shape, np.int8), name)
                node.input[place], node.input[zero_place] = sources[node.input[place]], name
    signed.graph.initializer.extend(zeros.values())
    _remove_unused(signed.graph)
    return signed


def _signed_sources(graph: onnx.GraphProto) -> dict[str, str]:
    """Return what `GraphBuilder.unsigned` shifted, by the name of the shifted value."""
    producers = {output: node for node in graph.node for output in node.output}
    integers = {tensor.name: tensor for tensor in graph.initializer if not tensor.dims}
    sources = {}
    for value, cast in producers.items():
        if not _is_cast(cast, onnx.TensorProto.UINT8):
            continue
        add = producers.get(cast.input[0])
        if add is None or add.op_type != "Add" or add.input[1] not in integers:
            continue
        wide = producers.get(add.input[0])
        shift = numpy_helper.to_array(integers[add.input[1]])
        if wide is not None and _is_cast(wide, onnx.TensorProto.INT32) and shift == 128:
            sources[value] = wide.input[0]
    return sources


def _is_cast(node: onnx.NodeProto, onnx_type: int) -> bool:
    return node.op_type == "Cast" and any(
        attribute.name == "to" and attribute.i == onnx_type for attribute in node.attribute
    )


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a graph and of the bodies of its loops."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from _nodes(attribute.g)


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes and initializers that nothing reads any longer."""
    used = {output.name for output in graph.output}
    for node in graph.node:
        for attribute in node.attribute:
            for inner in _nodes(attribute.g):
                used.update(inner.input)
            used.update(output.name for output in attribute.g.output)
    kept = []
    for node in reversed(graph.node):
        if used.intersection(node.output):
            used.update(node.input)
            kept.append(node)
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(tensors)
