"""Sample what the layers of a graph read, by running the graph itself: no torch is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx
from onnx import TensorProto, helper

from model_export.exporters.graphs.external import WEIGHTS_FILE, refer
from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import BoolArray, FloatArray
from seqserve.runtime.session import make_session, run
from seqserve.text.protocols import Inputs

_SAMPLE, _BATCH_SAMPLE = 400, 50  # vectors of a layer, and of one batch
_WEIGHT = ".weight"


@dataclass(frozen=True)
class LayerInputs:
    """Samples of the vectors that a group of layers reads.

    Args:
        layers: Their names; all read the same values.
        samples: Some of the vectors, (n, D).
        lowest: (D,), the smallest values of all vectors.
        highest: (D,), the largest values.
    """

    layers: tuple[str, ...]
    samples: FloatArray
    lowest: FloatArray
    highest: FloatArray

    def joined(self, other: LayerInputs) -> LayerInputs:
        """Return the inputs of two batches as one."""
        return LayerInputs(
            self.layers,
            np.concatenate([self.samples, other.samples]),
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
        )


def sample_inputs(
    graph: onnx.ModelProto, weights: Weights, layers: Collection[str], batches: Iterable[Inputs]
) -> list[LayerInputs]:
    """Run a graph and sample the inputs of its linear layers.

    Args:
        graph: In float32, with the inputs `ids` (B, T) and `lengths` (B,).
        weights: The tensors that it shares.
        layers: Those that are of interest.
        batches: What the graph reads; what is behind the lengths is left out.

    Returns:
        The inputs of `layers`, one entry for those that are one product; a layer that is used several times
        has the inputs of all uses.
    """
    sources = {
        group: values
        for group, values in _sources(graph.graph).items()
        if set(group) <= set(layers)
    }
    observed = onnx.ModelProto()
    observed.CopyFrom(graph)
    names = sorted({value for values in sources.values() for value in values})
    observed.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    contents = weights.to_bytes()
    session = make_session(refer(observed, contents), weights={WEIGHTS_FILE: contents})
    rng = np.random.default_rng(0)
    seen: dict[tuple[str, ...], LayerInputs] = {}
    for inputs in batches:
        found = run(session, inputs)
        is_token = np.arange(inputs["ids"].shape[1]) < inputs["lengths"][:, None]
        for group, values in sources.items():
            rows = np.concatenate([_rows(found[value], is_token) for value in values])
            bounds = rows.min(axis=0), rows.max(axis=0)
            new = LayerInputs(group, rng.permutation(rows)[:_BATCH_SAMPLE], *bounds)
            seen[group] = seen[group].joined(new) if group in seen else new
    return [
        replace(inputs, samples=rng.permutation(inputs.samples)[:_SAMPLE])
        for inputs in seen.values()
    ]


def _rows(values: FloatArray, is_token: BoolArray) -> FloatArray:
    """Return the vectors of tokens, or all of what is no vector per token, (n, D)."""
    is_by_token = values.shape[:2] == is_token.shape
    rows: FloatArray = values[is_token] if is_by_token else values.reshape(-1, values.shape[-1])
    return rows


def _sources(graph: onnx.GraphProto) -> dict[tuple[str, ...], list[str]]:
    """Return the values that linear layers multiply by their weights, by the names of the layers."""
    producers = {output: node for node in graph.node for output in node.output}
    weights = {tensor.name for tensor in graph.initializer if tensor.name.endswith(_WEIGHT)}
    sources: dict[tuple[str, ...], list[str]] = {}
    for node in graph.node:
        if node.op_type == "MatMul":
            names = _weights_of(node.input[1], producers, weights)
            if names:
                layers = tuple(name.removesuffix(_WEIGHT) for name in names)
                sources.setdefault(layers, []).append(node.input[0])
    return sources


def _weights_of(
    value: str, producers: Mapping[str, onnx.NodeProto], weights: Collection[str]
) -> list[str]:
    """Return the weights that a value is made of, rows after rows; none: it is made of something else."""
    if value in weights:
        return [value]
    node = producers.get(value)
    if node is None or node.op_type not in ("Transpose", "Concat"):
        return []
    found = [_weights_of(name, producers, weights) for name in node.input]
    return [name for names in found for name in names] if all(found) else []
