"""Make a graph that torch exported like one of ours: weights under torch's names, products in int8.

A product by a constant becomes the product of a linear layer, as `layers.py` writes it: no row's scale depends
on another row.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from model_export.exporters.graphs.builder import MICROSOFT, GraphBuilder
from model_export.exporters.graphs.layers import multiply
from model_export.exporters.graphs.weights import MIN_INT8_SIZE, Weights
from seqserve.arrays import FloatArray

_WEIGHT = ".weight"


def with_named_weights(
    model: onnx.ModelProto, parameters: Mapping[str, FloatArray]
) -> tuple[onnx.ModelProto, Weights]:
    """Store the matrices of products and look-ups under torch's names, in torch's layout.

    Args:
        model: As torch exported it: matrices of linear layers are turned, and their names are lost.
        parameters: Of the module, by name.

    Returns:
        A graph with the same outputs, and the matrices that it shares.
    """
    named = onnx.ModelProto()
    named.CopyFrom(model)
    graph = named.graph
    by_content = {_digest(array): name for name, array in parameters.items() if array.ndim == 2}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    found: dict[str, NDArray[Any]] = {}
    nodes, turned = [], set()
    for node in graph.node:
        place = {"MatMul": 1, "Gather": 0}.get(node.op_type)
        tensor = constants.get(node.input[place]) if place is not None else None
        if tensor is not None and _is_large_matrix(tensor):
            array = numpy_helper.to_array(tensor)
            array = array.T if node.op_type == "MatMul" else array
            name = by_content.get(_digest(array), f"{tensor.name}{_WEIGHT}")
            found[name] = np.ascontiguousarray(array)
            if node.op_type == "MatMul" and name not in turned:
                nodes.append(helper.make_node("Transpose", [name], [f"{name}.turned"], perm=[1, 0]))
                turned.add(name)
            node.input[place] = f"{name}.turned" if node.op_type == "MatMul" else name
        nodes.append(node)
    _replace(graph, nodes, [numpy_helper.from_array(array, name) for name, array in found.items()])
    return named, Weights(found)


def quantized(model: onnx.ModelProto, weights: Weights) -> onnx.ModelProto:
    """Compute the products and look-ups of a graph with quantized weights.

    Args:
        model: What `with_named_weights` returned.
        weights: The same weights, some of them int8.
    """
    small = onnx.ModelProto()
    small.CopyFrom(model)
    graph = small.graph
    g = GraphBuilder("quantized", weights)
    biases = _biases(graph)
    renamed: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        name = _quantized_weight(node, weights)
        is_turning = node.op_type == "Transpose" and weights.is_quantized(node.input[0])
        is_bias = node.output[0] in renamed  # of a product that was rewritten
        if is_turning or is_bias:
            continue
        if not name:
            nodes.append(node)
            continue
        if node.op_type == "Gather":
            renamed[node.output[0]] = g.rows(g.weight(name), node.input[1])
        else:
            added = biases.get(node.output[0])
            zeros = np.zeros(len(weights.tensors[name]), np.float32)
            bias = added[0] if added else g.constant(zeros)
            layer = name.removesuffix(_WEIGHT)
            product = multiply(g, node.input[0], layer, [name], bias)
            renamed[added[1] if added else node.output[0]] = product
        nodes += g.take_nodes()
    for output in graph.output:
        if output.name in renamed:
            nodes.append(helper.make_node("Identity", [renamed[output.name]], [output.name]))
    _replace(graph, nodes, g.initializers)
    if all(opset.domain != MICROSOFT for opset in small.opset_import):
        small.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    return small


def _is_large_matrix(tensor: onnx.TensorProto) -> bool:
    return (
        tensor.data_type == onnx.TensorProto.FLOAT
        and len(tensor.dims) == 2
        and int(np.prod(tensor.dims)) >= MIN_INT8_SIZE
    )


def _digest(array: NDArray[Any]) -> str:
    content = hashlib.sha256(np.ascontiguousarray(array, np.float32).tobytes())
    return f"{array.shape} {content.hexdigest()}"


def _quantized_weight(node: onnx.NodeProto, weights: Weights) -> str:
    """Return the int8 matrix that a node multiplies by or looks up in; empty: none."""
    if node.op_type == "MatMul":
        name = node.input[1].removesuffix(".turned")
    elif node.op_type == "Gather":
        name = node.input[0]
    else:
        return ""
    return name if weights.is_quantized(name) else ""


def _biases(graph: onnx.GraphProto) -> dict[str, tuple[str, str]]:
    """Return the biases (N,) that are added to values and to nothing else, and the names of the sums."""
    vectors = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 1}
    n_uses = Counter(name for node in graph.node for name in node.input)
    biases: dict[str, tuple[str, str]] = {}
    for node in graph.node:
        if node.op_type == "Add":
            for value, bias in (tuple(node.input), tuple(reversed(node.input))):
                if bias in vectors and value not in vectors and n_uses[value] == 1:
                    biases[value] = bias, node.output[0]
    return biases


def _replace(
    graph: onnx.GraphProto, nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto]
) -> None:
    """Replace the nodes of a graph, add initializers, and remove those that nothing reads any longer."""
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    names = {tensor.name for tensor in initializers}
    used = {name for node in _all_nodes(graph) for name in node.input}
    used |= {output.name for output in graph.output}
    old = [tensor for tensor in graph.initializer if tensor.name in used - names]
    tensors = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in old]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend([*tensors, *initializers])


def _all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from _all_nodes(attribute.g)
