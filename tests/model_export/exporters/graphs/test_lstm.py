"""The LSTM in float32 and int8: equal to torch, in every batch the same, pins that pin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.lstm import (
    FEATURE_SCALE,
    as_features,
    look_up,
    lstm,
    read_states,
)
from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import FloatArray, IntArray
from seqserve.manifest import Precision
from seqserve.models.bilstm import BiLstm
from seqserve.runtime.session import make_session, run

D, N, K = 30, 18, 5
SHAPES = [(1, 1), (1, 9), (5, 1), (7, 33), (2, 200)]


class Reader(nn.Module):
    """A table, an LSTM over it, and a linear layer."""

    def __init__(self, bidirectional: bool = True, hidden: int = N) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.table = nn.Embedding(64, D)
        nn.init.uniform_(self.table.weight, -127 * FEATURE_SCALE, 127 * FEATURE_SCALE)
        self.lstm = BiLstm(D, hidden, bidirectional)
        self.out = nn.Linear(hidden * (2 if bidirectional else 1), K)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.out(self.lstm(self.table(ids), lengths)[0])
        return out


def graph(model: Reader, precision: Precision) -> onnx.ModelProto:
    weights = Weights.of(
        model, precision, exact=["out.weight"], steps={"table.weight": FEATURE_SCALE}
    )
    g = GraphBuilder("reader", weights)
    ids, lengths = g.int_input("ids", "B", "T"), g.int_input("lengths", "B")
    x = look_up(g, "table.weight", g.op("Transpose", ids, perm=[1, 0]))
    states = lstm(g, "lstm", [x], lengths)
    by_row = g.op("Transpose", states.hidden, perm=[2, 0, 1, 3])
    flat = g.op("Reshape", by_row, g.ints(0, 0, states.width))
    g.output("y", read_states(g, flat, "out", states), "B", "T", K)
    g.output("hidden", states.hidden, "T", "directions", "B", "N")
    g.output("last", states.last, "directions", "B", "N")
    return g.build()


class Session:
    """A graph as a function of arrays."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._session = make_session(model.SerializeToString())

    def __call__(self, ids: IntArray, lengths: IntArray) -> dict[str, FloatArray]:
        return run(self._session, {"ids": ids, "lengths": lengths})


def batch(n_texts: int, n_tokens: int) -> tuple[IntArray, IntArray]:
    rng = np.random.default_rng(n_texts * n_tokens)
    return rng.integers(0, 64, (n_texts, n_tokens)), rng.integers(1, n_tokens + 1, n_texts)


def from_torch(model: Reader, ids: IntArray, lengths: IntArray) -> FloatArray:
    with torch.inference_mode():
        y: FloatArray = model(torch.from_numpy(ids), torch.from_numpy(lengths)).numpy()
    return y


@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("fp32", 1e-5), ("int8", 0.02)],
)
@pytest.mark.parametrize("bidirectional", [True, False], ids=["both ways", "one way"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_real_tokens_are_read_as_by_torch(
    shape: tuple[int, int], bidirectional: bool, precision: Precision, tolerance: float
) -> None:
    model = Reader(bidirectional)
    ids, lengths = batch(*shape)
    real = np.arange(shape[1]) < lengths[:, None]
    difference = Session(graph(model, precision))(ids, lengths)["y"] - from_torch(
        model, ids, lengths
    )
    assert np.abs(difference[real]).max() < tolerance


@pytest.mark.parametrize("bidirectional", [True, False], ids=["both ways", "one way"])
def test_bytes_give_the_same_bits_in_every_batch(bidirectional: bool) -> None:
    session = Session(graph(Reader(bidirectional), "int8"))
    rng = np.random.default_rng(0)
    ids, lengths = batch(24, 31)
    together = session(ids, lengths)
    wider = session(np.pad(ids, [(0, 0), (0, 9)], constant_values=63), lengths)
    for row, n in enumerate(lengths):
        alone = session(ids[row : row + 1, :n], lengths[row : row + 1])
        some = rng.choice(24, 5)
        some[2] = row
        among = session(ids[some], lengths[some])
        for there in (together["y"][row], wider["y"][row], among["y"][2]):
            assert np.array_equal(alone["y"][0], there[:n])


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_states_are_zero_behind_the_length_and_the_last_ones_are_kept(precision: Precision) -> None:
    ids, lengths = batch(6, 11)
    found = Session(graph(Reader(), precision))(ids, lengths)
    for row, n in enumerate(lengths):
        assert not found["hidden"][n:, :, row].any()
        np.testing.assert_array_equal(found["last"][0, row], found["hidden"][n - 1, 0, row])
        np.testing.assert_array_equal(found["last"][1, row], found["hidden"][0, 1, row])


def test_pinned_units_stand_at_one_and_minus_one_to_the_last_token() -> None:
    ids, lengths = batch(3, 200)
    lengths[:] = 200
    hidden = Session(graph(Reader(), "int8"))(ids, lengths)["hidden"]
    assert hidden.shape[3] % 4 == 0
    assert (hidden[..., N] == 1).all() and (hidden[..., N + 1] == -1).all()
    assert not hidden[..., N + 2 :].any()
    assert (np.abs(hidden[..., :N]) < 1).all()


@pytest.mark.parametrize("row", [-127, -126, -1, 0, 1, 63, 126, 127])
def test_bytes_of_the_input_step_are_not_rounded_again(row: int) -> None:
    """What onnxruntime makes of q * FEATURE_SCALE between pins at -1 and +1 is q and its zero point."""
    g = GraphBuilder("round")
    x = g.float_input("x", 3)
    rounded, scale, zero = g.ops("DynamicQuantizeLinear", x, n_outputs=3)
    g.output("rounded", rounded, 3, dtype=np.uint8)
    g.output("scale", scale)
    g.output("zero", zero, dtype=np.uint8)
    session = make_session(g.build().SerializeToString())
    x_values = np.array([1, -1, np.float32(row) * np.float32(FEATURE_SCALE)], np.float32)
    found = run(session, {"x": x_values})
    assert found["scale"] == np.float32(FEATURE_SCALE)
    assert int(found["rounded"][2]) - int(found["zero"]) == row


def test_small_matrices_stay_floats_and_so_does_the_lstm() -> None:
    model = graph(Reader(hidden=12), "int8")  # 48 x 12 recurrent weights are too few for bytes
    kinds = {node.op_type for node in model.graph.node}
    assert "LSTM" in kinds and "DynamicQuantizeLSTM" not in kinds
    ids, lengths = batch(4, 9)
    real = np.arange(9) < lengths[:, None]
    found = Session(model)(ids, lengths)["y"]
    assert np.abs((found - from_torch(Reader(hidden=12), ids, lengths))[real]).max() < 0.02


@pytest.mark.parametrize(
    ("precision", "expected"), [("fp32", [3, -2, 0.5]), ("int8", [1, -1, 0.5])]
)
def test_features_are_kept_in_range_for_bytes(precision: Precision, expected: list[float]) -> None:
    g = GraphBuilder("clip", Weights.of(Reader(), precision))
    features = g.op("Identity", g.float_input("x", 3))
    g.output("y", as_features(g, "lstm", features), 3)
    session = make_session(g.build().SerializeToString())
    assert run(session, {"x": np.array([3, -2, 0.5], np.float32)})["y"].tolist() == expected


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_all_that_is_done_to_weights_is_done_while_loading(
    precision: Precision, tmp_path: Path
) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    model = graph(Reader(), precision).SerializeToString()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    left = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert not left & {"Pad", "Unsqueeze"}


def test_the_graph_holds_the_weights_as_they_are_kept() -> None:
    model = Reader()
    weights = Weights.of(model, "int8", steps={"table.weight": FEATURE_SCALE})
    held = {tensor.name: tensor for tensor in graph(model, "int8").graph.initializer}
    for direction in ("forwards", "backwards"):
        for parameter in ("weight_ih_l0", "weight_hh_l0"):
            name = f"lstm.{direction}.{parameter}"
            assert held[name].raw_data == weights.tensors[name].tobytes()
    assert held["table.weight"].data_type == onnx.TensorProto.INT8
    assert tuple(held["table.weight.scales"].dims) == (1, 1)
