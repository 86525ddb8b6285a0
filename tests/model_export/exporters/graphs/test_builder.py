"""The graph builder: what it writes, what onnxruntime makes of it, and what it refuses."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from model_export.exporters.graphs.builder import MICROSOFT, OPSET, GraphBuilder, Sequenced
from model_export.exporters.graphs.layers import multiply
from model_export.exporters.graphs.weights import Weights, quantize_rows
from seqserve.arrays import FloatArray, IntArray
from seqserve.dequantization import SCALES
from seqserve.manifest import Precision
from seqserve.runtime.session import make_session, run

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(50, 32)).astype(np.float32)
BIAS = RNG.normal(size=50).astype(np.float32)


def weights_of(precision: Precision) -> Weights:
    if precision == "fp32":
        return Weights({"table": TABLE})
    rounded, scales = quantize_rows(TABLE)
    return Weights({"table": rounded, "table" + SCALES: scales})


def look_up_and_multiply(precision: Precision = "fp32") -> onnx.ModelProto:
    """The rows of a table times the same table: (B, T) ids -> (B, T, 50)."""
    g = GraphBuilder("similar rows", weights_of(precision))
    rows = g.rows(g.weight("table"), g.int_input("ids", "B", "T"))
    g.output("products", multiply(g, rows, "table", ["table"], g.constant(BIAS)), "B", "T", 50)
    return g.build()


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 40), (5, 7)], ids=str)
@pytest.mark.parametrize("precision, tolerance", [("fp32", 2e-5), ("int8", 0.5)])
def test_a_graph_takes_any_shape_and_gives_what_numpy_gives(
    shape: tuple[int, int], precision: Precision, tolerance: float
) -> None:
    ids: IntArray = RNG.integers(0, 50, shape)
    table: FloatArray = weights_of(precision).dense("table")
    session = make_session(look_up_and_multiply(precision).SerializeToString())
    products = run(session, {"ids": ids})["products"]
    np.testing.assert_allclose(products, table[ids] @ table.T + BIAS, atol=tolerance)


@pytest.mark.parametrize("factor", [1.0, 2.5])
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_rows_are_looked_up_and_multiplied(precision: Precision, factor: float) -> None:
    g = GraphBuilder("rows", weights_of(precision))
    g.output("y", g.rows(g.weight("table"), g.int_input("ids", "B"), factor), "B", 32)
    g.output("all", g.op("Identity", g.dense(g.weight("table"))), 50, 32)
    ids = np.array([3, 3, 0, 49])
    found = run(make_session(g.build().SerializeToString()), {"ids": ids})
    table = weights_of(precision).dense("table")
    np.testing.assert_allclose(found["y"], table[ids] * factor, rtol=1e-6)
    np.testing.assert_array_equal(found["all"], table)


def test_the_file_says_what_it_is() -> None:
    model = look_up_and_multiply("int8")
    assert (model.producer_name, model.ir_version) == ("seqserve", 10)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", OPSET), (MICROSOFT, 1)]
    assert model.graph.name == "similar rows"
    dims = model.graph.output[0].type.tensor_type.shape.dim
    assert [axis.dim_param or axis.dim_value for axis in dims] == ["B", "T", 50]
    assert "Identity" not in [node.op_type for node in model.graph.node]


def test_the_same_calls_give_the_same_bytes() -> None:
    once, twice = look_up_and_multiply("int8"), look_up_and_multiply("int8")
    assert once.SerializeToString() == twice.SerializeToString()


def test_a_weight_stands_in_the_graph_once_and_as_it_is_kept() -> None:
    initializers = look_up_and_multiply("int8").graph.initializer
    sizes = {w.name: len(w.raw_data) for w in initializers if w.name.startswith("table")}
    assert sizes == {"table": TABLE.size, "table.scales": 4 * len(TABLE)}


def test_int8_and_float_rows_cannot_be_joined() -> None:
    g = GraphBuilder("g", Weights({**weights_of("int8").tensors, "other": TABLE}))
    with pytest.raises(ValueError, match=r"some of .* are int8 and others float32"):
        g.weight("table", "other")


def test_equal_constants_are_kept_once() -> None:
    g = GraphBuilder("g")
    assert g.ints(1, 2) == g.ints(1, 2)
    different = [g.ints(0), g.constant(np.int64(0)), g.constant(np.zeros(1, np.float32))]
    assert len(set(different)) == len(different)


def test_the_same_operator_on_the_same_values_is_computed_once() -> None:
    g = GraphBuilder("g")
    x = g.float_input("x", "B", "T")
    assert g.length(x, 1) == g.length(x, 1) != g.length(x, 0)
    assert g.op("Abs", x) != g.op("Abs", x)


def test_count_goes_up_from_a_start() -> None:
    g = GraphBuilder("g")
    x, start = g.float_input("x", "B", "T"), g.int_input("start")
    g.output("numbers", g.count(start, g.length(x, 1)), "T", dtype=np.int64)
    session = make_session(g.build().SerializeToString())
    inputs = {"x": np.zeros((2, 4), np.float32), "start": np.array(7)}
    assert run(session, inputs)["numbers"].tolist() == [7, 8, 9, 10]


@pytest.mark.parametrize(
    "n_steps, n_done", [pytest.param(3, 3, id="all"), pytest.param(99, 6, id="stops early")]
)
def test_a_loop_goes_on_until_its_step_says_stop(n_steps: int, n_done: int) -> None:
    g = GraphBuilder("doubling")
    x, limit = g.float_input("x"), g.int_input("limit")

    def step(body: GraphBuilder, number: str, state: list[str]) -> tuple[str, list[str], list[str]]:
        twice = body.op("Add", state[0], state[0])
        return body.op("Less", twice, g.float(64)), [twice], [number, state[0]]

    (last,), (numbers, before) = g.loop(limit, [(x, np.float32)], [np.int64, np.float32], step)
    g.output("last", last)
    g.output("numbers", numbers, "steps", dtype=np.int64)
    g.output("before", before, "steps")
    session = make_session(g.build().SerializeToString())
    found = run(session, {"x": np.array(1, np.float32), "limit": np.array(n_steps)})
    assert found["last"] == 2**n_done
    assert found["numbers"].tolist() == list(range(n_done))
    assert found["before"].tolist() == [2**i for i in range(n_done)]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_scan_goes_through_a_sequence_either_way(backwards: bool) -> None:
    g = GraphBuilder("sums")
    x, start = g.float_input("x", "T", 2), g.float_input("start", 2)

    def step(body: GraphBuilder, state: list[str], items: list[str]) -> tuple[list[str], list[str]]:
        total = body.op("Add", state[0], items[0])
        return [total], [total]

    items = [Sequenced(np.float32, x, backwards)]
    collects = [Sequenced(np.float32, backwards=backwards)]
    (last,), (totals,) = g.scan([(start, np.float32)], items, collects, step)
    g.output("last", last, 2)
    g.output("totals", totals, "T", 2)
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    inputs = {"x": values, "start": np.ones(2, np.float32)}
    found = run(make_session(g.build().SerializeToString()), inputs)
    order = slice(None, None, -1 if backwards else 1)
    np.testing.assert_array_equal(found["totals"], values[order].cumsum(axis=0)[order] + 1)
    np.testing.assert_array_equal(found["last"], values.sum(axis=0) + 1)


def test_an_unknown_operator_is_refused() -> None:
    g = GraphBuilder("g")
    g.output("y", g.op("Frobnicate", g.float_input("x", "B")), "B")
    with pytest.raises(onnx.checker.ValidationError, match="Frobnicate"):
        g.build()


def test_shapes_that_do_not_fit_are_refused() -> None:
    g = GraphBuilder("g", weights_of("fp32"))
    x = g.float_input("x", "B", 31)
    g.output("y", multiply(g, x, "table", ["table"], g.constant(BIAS)), "B", 50)
    with pytest.raises(onnx.shape_inference.InferenceError, match="MatMul"):
        g.build()
