"""Graphs with signed weights: the same numbers, for every graph that a builder makes in int8."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from model_export.exporters.graphs.classifier import EXACT as CLASSIFIER_EXACT
from model_export.exporters.graphs.classifier import classifier_graph
from model_export.exporters.graphs.encoder import encoder_graph
from model_export.exporters.graphs.external import graph_files
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.search import beam_graph
from model_export.exporters.graphs.vnni import with_signed_weights
from model_export.exporters.graphs.weights import Weights
from model_export.int8.equalisation import equalised_classifier
from seqserve.cpus import has_vnni
from seqserve.manifest import Precision
from seqserve.models.classifier import Classifier
from seqserve.models.transformer import Transformer
from seqserve.runtime.session import make_session, run

ON_VNNI = pytest.mark.skipif(not has_vnni(), reason="other CPUs saturate sums of products")


def operators(graph: onnx.GraphProto) -> list[str]:
    inner = [a.g for node in graph.node for a in node.attribute]
    return [node.op_type for node in graph.node] + [op for g in inner for op in operators(g)]


def of_encoder(model: Transformer, precision: Precision = "int8") -> onnx.ModelProto:
    return encoder_graph(model.config, Weights.of(model, precision))


@ON_VNNI
def test_products(transformer: Transformer) -> None:
    graph = of_encoder(transformer)
    signed = with_signed_weights(graph)
    assert signed is not None
    source = {"source": np.random.default_rng(0).integers(3, 70, (5, 17))}
    outputs = [run(make_session(g.SerializeToString()), source) for g in (graph, signed)]
    for name, expected in outputs[0].items():
        np.testing.assert_array_equal(outputs[1][name], expected)


@ON_VNNI
def test_lstm(classifier: Classifier) -> None:
    steps = {"words.weight": FEATURE_SCALE}
    equal = equalised_classifier(classifier)
    weights = Weights.of(equal, "int8", exact=CLASSIFIER_EXACT, steps=steps)
    graph = classifier_graph(classifier.config, weights)
    signed = with_signed_weights(graph)
    assert signed is not None
    inputs = {
        "word_ids": np.random.default_rng(0).integers(0, 50, (4, 9)),
        "lengths": np.array([9, 1, 5, 8]),
    }
    expected, actual = (run(make_session(g.SerializeToString()), inputs) for g in (graph, signed))
    np.testing.assert_array_equal(actual["logits"], expected["logits"])


def test_bodies_of_loops(transformer: Transformer) -> None:
    weights = Weights.of(transformer, "int8")
    graph = beam_graph(transformer.config, weights, (0, 2))
    before = graph.SerializeToString()
    signed = with_signed_weights(graph)
    assert signed is not None
    assert graph.SerializeToString() == before  # it stays as it is
    onnx.checker.check_model(signed, full_check=True)
    types = {tensor.name: tensor.data_type for tensor in signed.graph.initializer}
    assert onnx.TensorProto.INT8 in types.values()
    counts = [operators(g.graph) for g in (graph, signed)]
    product = "MatMulIntegerToFloat"
    assert counts[0].count(product) == counts[1].count(product) > 0
    # What shifted the weights is gone.
    assert counts[1].count("Cast") < counts[0].count("Cast")


def test_nothing_changes_in_fp32(transformer: Transformer) -> None:
    assert with_signed_weights(of_encoder(transformer, "fp32")) is None


@pytest.mark.parametrize(
    ("precision", "names"),
    [
        ("fp32", {"encoder.onnx", "weights.safetensors"}),
        ("int8", {"encoder.onnx", "encoder.vnni.onnx", "weights.safetensors"}),
    ],
)
def test_files(transformer: Transformer, precision: Precision, names: set[str]) -> None:
    weights = Weights.of(transformer, precision)
    graphs = {"encoder.onnx": encoder_graph(transformer.config, weights)}
    files = graph_files(graphs, weights)
    assert set(files) == names
    shared = {"weights.safetensors": files["weights.safetensors"]}
    for name in names - set(shared):
        assert len(files[name]) < len(graphs["encoder.onnx"].SerializeToString()) / 2
        make_session(files[name], weights=shared)


def test_files_of_graphs_that_share_nothing(transformer: Transformer) -> None:
    torch.manual_seed(0)
    graph = of_encoder(transformer)
    assert graph_files({"encoder.onnx": graph}, None) == {"encoder.onnx": graph.SerializeToString()}
