"""Linear layers against numpy: float, rounded with a fixed scale, rounded row by row; rows stay apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.layers import layer_norm, linear, linear_of_relu
from model_export.exporters.graphs.weights import Weights, quantize_rows
from seqserve.arrays import FloatArray
from seqserve.dequantization import INPUT_FACTORS, INPUT_SCALE, INPUT_ZERO, SCALES
from seqserve.runtime.session import make_session, run

RNG = np.random.default_rng(0)
WIDTH, N_COLUMNS = 48, 64
W = RNG.normal(size=(N_COLUMNS, WIDTH)).astype(np.float32)
BIAS = RNG.normal(size=N_COLUMNS).astype(np.float32)
X = RNG.normal(size=(33, WIDTH)).astype(np.float32)
FACTORS = RNG.uniform(0.5, 2, WIDTH).astype(np.float32)
SCALE = 0.02  # some of X is cut off
Layer = Callable[[GraphBuilder, str], str]


def tensors_of(kind: str) -> Weights:
    if kind == "fp32":
        return Weights({"l.weight": W, "l.bias": BIAS})
    factors = FACTORS if kind == "factors" else np.ones(WIDTH, np.float32)
    rounded, scales = quantize_rows(W / factors)
    tensors: dict[str, NDArray[Any]] = {
        "l.weight": rounded,
        "l.weight" + SCALES: scales,
        "l.bias": BIAS,
    }
    if kind != "per row":
        tensors["l" + INPUT_SCALE] = np.array(SCALE, np.float32)
    if kind == "factors":
        tensors["l" + INPUT_FACTORS] = factors
    if kind == "zero point":
        tensors["l" + INPUT_ZERO] = np.array(90, np.uint8)
    return Weights(tensors)


def session_of(kind: str, layer: Layer) -> onnxruntime.InferenceSession:
    g = GraphBuilder("layer", tensors_of(kind))
    g.output("y", layer(g, g.float_input("x", "B", WIDTH)), "B", N_COLUMNS)
    return make_session(g.build().SerializeToString())


def plain(g: GraphBuilder, x: str) -> str:
    return linear(g, x, "l")


def of_relu(g: GraphBuilder, x: str) -> str:
    return linear_of_relu(g, x, "l")


def rounded_input(kind: str, layer: Layer, x: FloatArray) -> FloatArray:
    """What the weights are multiplied with."""
    y = np.maximum(x, 0) if layer is of_relu else x
    if kind == "fp32":
        return y
    if kind == "factors":
        even: FloatArray = rounded_input("static", layer, x * FACTORS) / FACTORS
        return even
    if kind == "zero point" and layer is plain:
        shifted: FloatArray = np.clip(np.rint(x / np.float32(SCALE)), -90, 165) * np.float32(SCALE)
        return shifted
    if kind in ("static", "zero point"):
        scale = SCALE * 127 / 255 if layer is of_relu else SCALE
        low, high = (0, 255) if layer is of_relu else (-128, 127)
        fixed: FloatArray = np.clip(np.rint(x / np.float32(scale)), low, high) * np.float32(scale)
        return fixed
    largest = np.abs(y).max(axis=1, keepdims=True)
    own: FloatArray = np.rint(y / largest * 127) / 127 * largest
    return own


@pytest.mark.parametrize("layer", [plain, of_relu])
@pytest.mark.parametrize(
    "kind",
    [
        "fp32",
        "static",
        "factors",
        "zero point",
        "per row",
    ],
)
def test_a_layer_gives_what_numpy_gives(kind: str, layer: Layer) -> None:
    expected = rounded_input(kind, layer, X) @ tensors_of(kind).dense("l.weight").T + BIAS
    actual = run(session_of(kind, layer), {"x": X})["y"]
    off = np.abs(actual - expected)
    assert np.median(off) < 1e-5
    # a number halfway between two bytes may go either way
    assert off.max() < (1e-4 if kind == "fp32" else 0.1)
    float_result = rounded_input("fp32", layer, X) @ W.T + BIAS
    assert (np.abs(actual - float_result).max() > 1e-3) == (kind != "fp32")


def test_the_largest_bytes_do_not_overflow() -> None:
    """255 times 127, twice, is more than 16 bits hold; products are summed in more."""
    tensors = dict(tensors_of("static").tensors)
    tensors["l.weight"] = np.full_like(tensors["l.weight"], 127)
    g = GraphBuilder("layer", Weights(tensors))
    g.output("y", of_relu(g, g.float_input("x", "B", WIDTH)), "B", N_COLUMNS)
    x = np.full((3, WIDTH), 1000, np.float32)
    expected = WIDTH * 127 * SCALE * 127 * tensors["l.weight.scales"][:, 0] + BIAS
    actual = run(make_session(g.build().SerializeToString()), {"x": x})["y"]
    np.testing.assert_allclose(actual, np.tile(expected, (3, 1)), rtol=1e-5)


@pytest.mark.parametrize("kind", ["fp32", "static", "factors", "per row"])
@pytest.mark.parametrize("layer", [plain, of_relu])
def test_a_row_of_zeros_gives_the_bias(kind: str, layer: Layer) -> None:
    x = X[:3].copy()
    x[1] = 0
    y = run(session_of(kind, layer), {"x": x})["y"]
    np.testing.assert_allclose(y[1], BIAS, atol=1e-6)
    assert np.isfinite(y).all()


@pytest.mark.parametrize("layer", [plain, of_relu])
@pytest.mark.parametrize("kind", ["static", "per row"])
def test_a_rounded_row_gives_the_same_bits_alone_and_in_a_batch(kind: str, layer: Layer) -> None:
    session = session_of(kind, layer)
    x = X * np.geomspace(0.01, 100, len(X), dtype=np.float32)[:, None]
    alone = np.concatenate([run(session, {"x": row[None]})["y"] for row in x])
    for size in (2, 3, 4, 5, 8, 12, 17, 33):
        rows = RNG.permutation(len(x))[:size]
        np.testing.assert_array_equal(run(session, {"x": x[rows]})["y"], alone[rows])


@pytest.mark.parametrize("kind", ["fp32", "int8"])
def test_layers_that_read_the_same_stand_side_by_side(kind: str) -> None:
    tensors = dict(tensors_of("fp32" if kind == "fp32" else "per row").tensors)
    tensors |= {name.replace("l.", "m."): array[::-1] for name, array in tensors.items()}
    g = GraphBuilder("layers", Weights(tensors))
    y = linear(g, g.float_input("x", "B", WIDTH), "l", "m")
    g.output("y", y, "B", 2 * N_COLUMNS)
    both = run(make_session(g.build().SerializeToString()), {"x": X})["y"]
    np.testing.assert_allclose(both[:, :N_COLUMNS], both[:, N_COLUMNS:][:, ::-1], atol=1e-5)


def test_layer_norm_is_that_of_the_formula() -> None:
    g = GraphBuilder("norm", Weights({"n.weight": W[0], "n.bias": W[1]}))
    g.output("y", layer_norm(g, g.float_input("x", "B", WIDTH), "n"), "B", WIDTH)
    actual = run(make_session(g.build().SerializeToString()), {"x": X})["y"]
    centred = X - X.mean(axis=1, keepdims=True)
    expected = centred / np.sqrt(X.var(axis=1, keepdims=True) + 1e-5) * W[0] + W[1]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_int8_products_are_exact_on_every_cpu() -> None:
    """The largest products: instructions that saturate pairs of them at 16 bits give other sums."""
    size = 256
    weight = np.full((size, size), 127, np.int8)
    weight[:, ::3] = -127
    weights = Weights(
        {
            "a.weight": weight,
            f"a.weight{SCALES}": np.ones((size, 1), np.float32),
            "a.bias": np.zeros(size, np.float32),
            f"a{INPUT_SCALE}": np.array(1, np.float32),
        }
    )
    g = GraphBuilder("layer", weights)
    g.output("y", linear(g, g.float_input("x", "B", size), "a"), "B", size)
    inputs = np.random.default_rng(0).integers(-127, 128, (5, size)).astype(np.float32)
    session = make_session(g.build().SerializeToString())
    assert np.array_equal(run(session, {"x": inputs})["y"], inputs @ weight.T.astype(np.float32))
