"""Static scales on the graph itself: what is sampled, and what is chosen of it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.layers import linear
from model_export.exporters.graphs.weights import Weights
from model_export.int8.graph_inputs import LayerInputs, sample_inputs
from model_export.int8.input_scales import calibrate, choose_quantization
from seqserve.arrays import FloatArray

RNG = np.random.default_rng(0)
WIDTH = 32
WEIGHT = RNG.normal(size=(48, WIDTH)).astype(np.float32)
X = RNG.normal(size=(300, WIDTH)).astype(np.float32)


def inputs_of(x: FloatArray) -> LayerInputs:
    return LayerInputs(("l",), x, x.min(axis=0), x.max(axis=0))


def test_numbers_around_zero_have_the_middle_byte_as_zero() -> None:
    chosen = choose_quantization(inputs_of(np.concatenate([X, -X])), WEIGHT)
    assert chosen is not None
    assert abs(chosen.zero_point - 128) <= 1


@pytest.mark.parametrize(("sign", "zero_point"), [(1, 0), (-1, 255)])
def test_numbers_of_one_sign_have_all_bytes(sign: int, zero_point: int) -> None:
    chosen = choose_quantization(inputs_of(sign * np.abs(X)), WEIGHT)
    assert chosen is not None
    assert chosen.zero_point == zero_point
    assert chosen.scale < np.abs(X).max() / 200


def test_features_much_larger_than_the_others_are_evened_out() -> None:
    large = np.where(np.arange(WIDTH) < 2, 40, 1).astype(np.float32)
    chosen = choose_quantization(inputs_of(X * large), WEIGHT)
    assert chosen is not None
    assert chosen.factors is not None
    assert chosen.factors[:2].max() < chosen.factors[2:].min() / 5


def test_rows_that_differ_in_size_keep_a_scale_each() -> None:
    sizes = np.geomspace(0.01, 100, len(X), dtype=np.float32)[:, None]
    assert choose_quantization(inputs_of(X), WEIGHT) is not None
    few_large = np.where(np.arange(len(X))[:, None] < 3, sizes[-1], 1)
    assert choose_quantization(inputs_of((X * few_large).astype(np.float32)), WEIGHT) is None


@pytest.mark.parametrize("value", [0.0, 2.5, -1.0])
def test_inputs_that_never_change(value: float) -> None:
    constant = np.full((9, WIDTH), value, np.float32)
    chosen = choose_quantization(inputs_of(constant), WEIGHT)
    assert chosen is None or np.isfinite(chosen.scale)


def graph_of(weights: Weights) -> onnx.ModelProto:
    """Two layers that read the same, and one that is used twice."""
    g = GraphBuilder("layers", weights)
    ids, lengths = g.int_input("ids", "B", "T"), g.int_input("lengths", "B")
    x = g.rows(g.weight("table"), ids)
    y = g.ops("Split", linear(g, x, "a", "b"), n_outputs=2, num_outputs=2, axis=-1)[0]
    z = linear(g, linear(g, y, "twice"), "twice")
    g.output("z", z, "B", "T", WIDTH)
    g.output("n", g.to_float(lengths), "B")
    return g.build()


def weights_of() -> Weights:
    tensors = {"table": X[:10]}
    for name in ("a", "b", "twice"):
        tensors[f"{name}.weight"] = RNG.normal(size=(WIDTH, WIDTH)).astype(np.float32) / 6
        tensors[f"{name}.bias"] = np.zeros(WIDTH, np.float32)
    return Weights(tensors)


BATCHES = [
    {"ids": np.array([[1, 2, 9], [3, 9, 9]]), "lengths": np.array([2, 1])},
    {"ids": np.array([[4]]), "lengths": np.array([1])},
]


def test_inputs_of_tokens_are_sampled() -> None:
    weights = weights_of()
    first, second = sorted(
        sample_inputs(graph_of(weights), weights, {"a", "b", "twice"}, BATCHES),
        key=lambda inputs: inputs.layers,
    )
    assert first.layers == ("a", "b")
    # Row 9 stands behind the lengths.
    np.testing.assert_array_equal(np.sort(first.samples, axis=0), np.sort(X[1:5], axis=0))
    np.testing.assert_array_equal(first.lowest, X[1:5].min(axis=0))
    np.testing.assert_array_equal(first.highest, X[1:5].max(axis=0))
    assert second.layers == ("twice",)
    assert second.samples.shape == (8, WIDTH)


def test_layers_of_no_interest_are_left_out() -> None:
    weights = weights_of()
    chosen = calibrate(graph_of(weights), weights, {"a", "b"}, BATCHES)
    assert set(chosen) <= {"a", "b"}
    assert len({id(quantization) for quantization in chosen.values()}) == 1
