"""Graphs that refer to a weights file: onnxruntime reads it, and other bytes are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.external import WEIGHTS_FILE, offsets, refer
from model_export.exporters.graphs.layers import linear
from model_export.exporters.graphs.weights import Weights
from seqserve.manifest import Precision
from seqserve.models.transformer import Transformer
from seqserve.runtime.session import make_session, run

LAYERS = ("encoder.layers.0.fc1", "encoder.layers.1.fc1")


def graph_of(weights: Weights) -> onnx.ModelProto:
    g = GraphBuilder("two layers", weights)
    ids = g.int_input("ids", "B")
    x = g.rows(g.weight("shared.weight"), ids)
    g.output("y", linear(g, x, *LAYERS), "B", 96)
    return g.build()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_graph_beside_its_weights_gives_the_same_numbers(
    transformer: Transformer, tmp_path: Path, precision: Precision
) -> None:
    weights = Weights.of(transformer, precision)
    graph, contents = graph_of(weights), weights.to_bytes()
    whole = graph.SerializeToString()
    slim = refer(graph, contents)
    assert len(slim) < len(whole) / 2
    assert graph.SerializeToString() == whole  # it stays as it is
    (tmp_path / WEIGHTS_FILE).write_bytes(contents)
    (tmp_path / "graph.onnx").write_bytes(slim)
    ids = np.arange(70)
    expected = run(make_session(whole), {"ids": ids})["y"]
    actual = run(make_session(tmp_path / "graph.onnx"), {"ids": ids})["y"]
    np.testing.assert_array_equal(actual, expected)


def test_the_file_can_have_another_name(transformer: Transformer, tmp_path: Path) -> None:
    weights = Weights.of(transformer)
    slim = refer(graph_of(weights), weights.to_bytes(), "others.bin")
    (tmp_path / "others.bin").write_bytes(weights.to_bytes())
    (tmp_path / "graph.onnx").write_bytes(slim)
    ids = np.arange(3)
    y = run(make_session(tmp_path / "graph.onnx"), {"ids": ids})["y"]
    expected = run(make_session(graph_of(weights).SerializeToString()), {"ids": ids})["y"]
    np.testing.assert_array_equal(y, expected)


def test_the_graph_uses_what_is_in_the_file(transformer: Transformer, tmp_path: Path) -> None:
    weights = Weights.of(transformer)
    slim = refer(graph_of(weights), weights.to_bytes())
    doubled = dict(weights.tensors) | {"shared.weight": 2 * weights.tensors["shared.weight"]}
    answers = []
    for name, tensors in (("as is", weights.tensors), ("doubled", doubled)):
        (tmp_path / name).mkdir()
        (tmp_path / name / WEIGHTS_FILE).write_bytes(Weights(tensors).to_bytes())
        (tmp_path / name / "graph.onnx").write_bytes(slim)
        session = make_session(tmp_path / name / "graph.onnx")
        answers.append(run(session, {"ids": np.arange(1, 9)})["y"])
    bias = np.concatenate([weights.tensors[f"{layer}.bias"] for layer in LAYERS])
    np.testing.assert_allclose(answers[1] - bias, 2 * (answers[0] - bias), atol=1e-5)


def test_other_bytes_are_refused(transformer: Transformer) -> None:
    weights = Weights.of(transformer, "int8")
    changed = dict(weights.tensors)
    table = changed["shared.weight"].copy()
    table[69, 31] ^= 1
    changed["shared.weight"] = table
    with pytest.raises(ValueError, match=r"shared\.weight has other bytes in weights\.safetensors"):
        refer(graph_of(weights), Weights(changed).to_bytes())


def test_a_tensor_that_is_not_in_the_file_stays_in_the_graph(
    transformer: Transformer, tmp_path: Path
) -> None:
    weights = Weights.of(transformer)
    some = Weights({"shared.weight": weights.tensors["shared.weight"]})
    slim = onnx.load_model_from_string(refer(graph_of(weights), some.to_bytes()))
    away = {t.name for t in slim.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL}
    assert away == {"shared.weight"}
    (tmp_path / WEIGHTS_FILE).write_bytes(some.to_bytes())
    onnx.save(slim, tmp_path / "graph.onnx")
    y = run(make_session(tmp_path / "graph.onnx"), {"ids": np.arange(2)})["y"]
    assert np.isfinite(y).all()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_offsets_say_where_each_tensor_lies(transformer: Transformer, precision: Precision) -> None:
    weights = Weights.of(transformer, precision)
    contents = weights.to_bytes()
    places = offsets(contents)
    assert places.keys() == weights.tensors.keys()
    for name, (start, length) in places.items():
        assert contents[start : start + length] == weights.tensors[name].tobytes()
    assert sum(length for _, length in places.values()) < len(contents)
