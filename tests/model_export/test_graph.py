"""The graph builder: what it writes, what onnxruntime makes of it, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from model_export.graph import INT8_MIN_SIZE, GraphBuilder, quantise_rows
from seqserve.arrays import FloatArray
from seqserve.manifest import Precision
from seqserve.runtime.session import make_session, run

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(50, 32)).astype(np.float32)
BIAS = RNG.normal(size=50).astype(np.float32)


def look_up_and_multiply(precision: Precision = "fp32") -> onnx.ModelProto:
    """The rows of a table times the same table: (B, T) ids -> (B, T, 50)."""
    g = GraphBuilder("similar rows", precision)
    ids = g.int_input("ids", "B", "T")
    table = g.weight("table", TABLE)
    g.output("products", g.linear(g.rows(table, ids), table, BIAS), "B", "T", len(TABLE))
    return g.build()


def products(table: FloatArray, ids: np.ndarray) -> FloatArray:
    return table[ids] @ table.T + BIAS


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 40), (5, 7)])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_graph_takes_any_shape_and_gives_what_numpy_gives(
    shape: tuple[int, int], precision: Precision
) -> None:
    ids = RNG.integers(0, 50, shape)
    rounded, scales = quantise_rows(TABLE)
    table = TABLE if precision == "fp32" else rounded * scales
    session = make_session(look_up_and_multiply(precision).SerializeToString())
    np.testing.assert_allclose(
        run(session, {"ids": ids})["products"], products(table, ids), atol=2e-5
    )


def test_the_file_says_what_it_is() -> None:
    model = look_up_and_multiply("int8")
    assert (model.producer_name, model.ir_version) == ("seqserve", 10)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 21)]
    assert model.doc_string == "similar rows, weights stored as int8"
    axes = [axis.dim_param or axis.dim_value for axis in _axes(model.graph.output[0])]
    assert axes == ["B", "T", 50]
    assert [node.op_type for node in model.graph.node].count("Identity") == 0


def _axes(value: onnx.ValueInfoProto) -> list[onnx.TensorShapeProto.Dimension]:
    return list(value.type.tensor_type.shape.dim)


def test_the_same_calls_give_the_same_bytes() -> None:
    once, twice = look_up_and_multiply("int8"), look_up_and_multiply("int8")
    assert once.SerializeToString() == twice.SerializeToString()


def test_int8_takes_a_byte_per_weight_and_a_scale_per_row() -> None:
    initializers = look_up_and_multiply("int8").graph.initializer
    sizes = {w.name: len(w.raw_data) for w in initializers if w.name.startswith("table")}
    assert sizes == {"table": TABLE.size, "table.scales": 4 * len(TABLE)}


@pytest.mark.parametrize(
    "shape, is_rounded",
    [
        pytest.param((32, 32), True, id="just large enough"),
        pytest.param((31, 33), False, id="too small"),
        pytest.param((2, 16, 32), True, id="one matrix per direction"),
        pytest.param((2 * INT8_MIN_SIZE,), False, id="a vector"),
    ],
)
def test_large_matrices_are_rounded_and_nothing_else(
    shape: tuple[int, ...], is_rounded: bool
) -> None:
    g = GraphBuilder("g", "int8")
    assert (g.weight("w", np.ones(shape, np.float32)).scales is not None) == is_rounded


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
    bytes_, scales = quantise_rows(np.array([other_row, row], np.float32))
    assert bytes_[1].tolist() == rounded
    assert scales[1, 0] == pytest.approx(scale)


def test_rounding_is_off_by_half_a_step_at_most() -> None:
    rounded, scales = quantise_rows(TABLE)
    assert rounded.dtype == np.int8
    assert (np.abs(rounded * scales - TABLE) <= scales / 2 * 1.0001).all()


def test_onnxruntime_makes_int8_weights_float_while_loading(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    model = look_up_and_multiply("int8").SerializeToString()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    left = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    assert sorted(left) == ["Add", "Cast", "Gather", "Gather", "MatMul", "Mul"]  # all but the rows


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_row_does_not_depend_on_its_batch(precision: Precision) -> None:
    session = make_session(look_up_and_multiply(precision).SerializeToString())
    ids = RNG.integers(0, 50, (16, 5))
    batch = run(session, {"ids": ids})["products"]
    singles = [run(session, {"ids": row[None]})["products"][0] for row in ids]
    np.testing.assert_allclose(batch, singles, atol=1e-5)


def test_equal_constants_are_kept_once() -> None:
    g = GraphBuilder("g")
    assert g.ints(1, 2) == g.ints(1, 2)
    different = [g.ints(0), g.constant(np.int64(0)), g.constant(np.zeros(1, np.float32))]
    assert len(set(different)) == len(different)


def test_positions_count_an_axis() -> None:
    g = GraphBuilder("g")
    x = g.float_input("x", "B", "T")
    counted = g.positions(g.length(x, 1))
    g.output("positions", g.op("Cast", counted, to=onnx.TensorProto.FLOAT), "T")
    session = make_session(g.build().SerializeToString())
    assert run(session, {"x": np.zeros((2, 4), np.float32)})["positions"].tolist() == [0, 1, 2, 3]


def test_two_weights_of_one_name_are_refused() -> None:
    g = GraphBuilder("g")
    g.weight("w", TABLE)
    with pytest.raises(ValueError, match="two weights of the name 'w'"):
        g.weight("w", TABLE)


def test_an_unknown_operator_is_refused() -> None:
    g = GraphBuilder("g")
    g.output("y", g.op("Frobnicate", g.float_input("x", "B")), "B")
    with pytest.raises(onnx.checker.ValidationError, match="Frobnicate"):
        g.build()


def test_shapes_that_do_not_fit_are_refused() -> None:
    g = GraphBuilder("g")
    x = g.float_input("x", "B", 31)
    g.output("y", g.linear(x, g.weight("w", TABLE), BIAS), "B", 50)
    with pytest.raises(onnx.shape_inference.InferenceError, match="MatMul"):
        g.build()
