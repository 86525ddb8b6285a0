"""Weights: what is rounded and how far off, and the way to bytes and back."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from model_export.exporters.graphs.weights import (
    MIN_INT8_SIZE,
    InputQuantization,
    Weights,
    quantize_rows,
)
from seqserve.manifest import Precision
from seqserve.models.transformer import Transformer

FACTORS = np.linspace(0.5, 2, 32, dtype=np.float32)
ROUNDINGS = {"encoder.layers.0.fc1": InputQuantization(0.5, FACTORS, 90)}
TABLE = np.random.default_rng(0).normal(size=(50, 32)).astype(np.float32)


@pytest.mark.parametrize(
    "row, rounded, scale",
    [
        pytest.param([1.27, -1.27, 0.01], [127, -127, 1], 0.01, id="both ends are used"),
        pytest.param([0, 0, 0], [0, 0, 0], 1, id="zeros stay zeros"),
        pytest.param([-254, 2, 4], [-127, 1, 2], 2, id="never -128"),
    ],
)
def test_a_row_is_rounded_with_its_own_scale(
    row: list[float], rounded: list[int], scale: float
) -> None:
    other_row = [100.0, 0, 0]
    bytes_, scales = quantize_rows(np.array([other_row, row], np.float32))
    assert bytes_[1].tolist() == rounded
    assert scales[1, 0] == pytest.approx(scale)


@pytest.mark.parametrize("shape", [(50, 32), (2, 25, 32), (1, 1600)], ids=str)
def test_rounding_is_off_by_half_a_step_at_most(shape: tuple[int, ...]) -> None:
    table = TABLE.reshape(shape)
    rounded, scales = quantize_rows(table)
    assert rounded.dtype == np.int8
    assert scales.dtype == np.float32
    assert scales.shape == (*shape[:-1], 1)
    assert (np.abs(rounded * scales - table) <= scales / 2 * 1.0001).all()


@pytest.mark.parametrize(
    "rows, columns, is_rounded",
    [
        pytest.param(32, 32, True, id="just large enough"),
        pytest.param(33, 31, False, id="too small"),
    ],
)
def test_large_matrices_are_rounded_and_nothing_else(
    rows: int, columns: int, is_rounded: bool
) -> None:
    weights = Weights.of(nn.Linear(columns, rows), "int8")
    assert weights.is_quantized("weight") == is_rounded
    assert weights.tensors["weight"].dtype == (np.int8 if is_rounded else np.float32)
    assert not Weights.of(nn.Linear(columns, rows)).is_quantized("weight")
    long = Weights.of(nn.LayerNorm(2 * MIN_INT8_SIZE), "int8")
    assert not long.is_quantized("weight")  # a vector


def test_exact_tensors_stay_as_they_are(transformer: Transformer) -> None:
    weights = Weights.of(transformer, "int8", exact=["shared.weight"])
    expected = transformer.shared.weight.detach().numpy()
    np.testing.assert_array_equal(weights.tensors["shared.weight"], expected)
    assert weights.is_quantized("encoder.layers.0.fc1.weight")


def test_a_step_is_one_scale_for_all_rows() -> None:
    layer = nn.Linear(8, 3)  # small ones, too
    step = float(layer.weight.detach().abs().max()) / 127
    weights = Weights.of(layer, "int8", steps={"weight": step})
    assert weights.tensors["weight"].dtype == np.int8
    assert weights.tensors["weight.scales"].shape == (1, 1)
    assert np.abs(weights.tensors["weight"].astype(int)).max() == 127
    difference = np.abs(weights.dense("weight") - layer.weight.detach().numpy())
    assert 0 < difference.max() <= step / 2 * 1.0001
    assert not Weights.of(layer, "fp32", steps={"weight": step}).is_quantized("weight")


def test_dense_is_near_what_was_rounded_and_float() -> None:
    rounded, scales = quantize_rows(TABLE)
    weights = Weights({"w": rounded, "w.scales": scales, "b": TABLE[0]})
    assert weights.dense("w").dtype == np.float32
    assert (np.abs(weights.dense("w") - TABLE) <= scales / 2 * 1.0001).all()
    np.testing.assert_array_equal(weights.dense("b"), TABLE[0])


def test_what_inputs_are_multiplied_by_weights_are_divided_by() -> None:
    layer = nn.Linear(32, 50)
    expected = layer.weight.detach().numpy()
    scaled = Weights.of(nn.Sequential(layer), "int8", {"0": InputQuantization(0.5, FACTORS)})
    np.testing.assert_array_equal(scaled.tensors["0.input_factors"], FACTORS)
    stored = scaled.tensors["0.weight"] * scaled.tensors["0.weight.scales"]
    steps = scaled.tensors["0.weight.scales"]
    assert (np.abs(stored - expected / FACTORS) <= steps / 2 * 1.0001).all()
    assert (np.abs(scaled.dense("0.weight") - expected) <= steps * FACTORS / 2 * 1.0001).all()


def test_a_layer_in_float32_has_no_factors() -> None:
    small = Weights.of(
        nn.Sequential(nn.Linear(32, 5)), "int8", {"0": InputQuantization(0.5, FACTORS, 90)}
    )
    assert "0.input_factors" not in small.tensors


def test_exact_gives_the_same_numbers_with_no_rounding_to_come(transformer: Transformer) -> None:
    weights = Weights.of(transformer, "int8", ROUNDINGS)
    exact = weights.exact()
    assert exact.tensors.keys() == transformer.state_dict().keys()
    for name, array in exact.tensors.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, weights.dense(name))


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_bytes_and_back(transformer: Transformer, precision: Precision) -> None:
    weights = Weights.of(transformer, precision, ROUNDINGS)
    contents = weights.to_bytes()
    read = Weights.from_bytes(contents)
    assert read.tensors.keys() == weights.tensors.keys()
    for name, array in weights.tensors.items():
        assert read.tensors[name].dtype == array.dtype
        assert read.tensors[name].shape == array.shape
        np.testing.assert_array_equal(read.tensors[name], array)
    assert read.to_bytes() == contents


def test_what_lies_turned_in_memory_is_written_as_it_is_read() -> None:
    turned = TABLE.T
    assert not turned.flags.c_contiguous
    read = Weights.from_bytes(Weights({"w": turned}).to_bytes())
    np.testing.assert_array_equal(read.tensors["w"], turned)


def test_int8_takes_a_byte_per_weight_and_a_scale_per_row(transformer: Transformer) -> None:
    tensors = Weights.of(transformer, "int8").tensors
    sizes = [tensors[name].nbytes for name in ("shared.weight", "shared.weight.scales")]
    assert sizes == [70 * 32, 4 * 70]
