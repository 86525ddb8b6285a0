"""The parity checks pass what is right and refuse what is not, however small the damage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from model_export import layers
from model_export.classifier_graph import classifier_graph
from model_export.parity import check_classifier, check_tagger, check_transformer, compare
from model_export.tagger_graph import tagger_graph
from model_export.transformer_graph import decoder_step_graph, encoder_graph
from seqserve.arrays import FloatArray, IntArray
from seqserve.errors import ExportError
from seqserve.manifest import Precision
from seqserve.models.classifier import Classifier, ClassifierConfig
from seqserve.models.tagger import Tagger
from seqserve.models.transformer import Transformer
from seqserve.runtime.translation import OnnxState

ZEROS = np.zeros((2, 3), np.float32)
Damage = Callable[[FloatArray], FloatArray]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(6)
    return Classifier(ClassifierConfig(50, 3, word_dim=24, hidden=18, pooling="attention"))


def at(place: tuple[int, int], value: float) -> FloatArray:
    array = ZEROS.copy()
    array[place] = value
    return array


def damaged(model: onnx.ModelProto, name: str, damage: Damage) -> bytes:
    """The file of a graph with one weight changed."""
    (weight,) = (w for w in model.graph.initializer if w.name == name)
    weight.CopyFrom(numpy_helper.from_array(damage(numpy_helper.to_array(weight).copy()), name))
    return model.SerializeToString()


def one_more(weight: FloatArray) -> FloatArray:
    weight.flat[0] += 0.5
    return weight


def one_nan(weight: FloatArray) -> FloatArray:
    weight.flat[0] = np.nan
    return weight


def test_compare_gives_the_largest_difference() -> None:
    expected = {"a": ZEROS, "b": ZEROS, "empty": np.zeros((2, 0), np.float32)}
    actual = expected | {"a": at((0, 1), -0.25), "b": at((1, 2), 0.125)}
    assert compare("g", expected, actual, 0.25) == 0.25


@pytest.mark.parametrize(
    "expected, actual, message",
    [
        pytest.param(
            {"y": ZEROS},
            {"y": at((1, 2), 0.5)},
            r"g: y \(2, 3\) is 0.5 at \(1, 2\), where torch gives 0.0; the tolerance is 0.1",
            id="too far",
        ),
        pytest.param(
            {"y": ZEROS}, {"y": at((0, 1), np.nan)}, r"is nan at \(0, 1\)", id="the graph's NaN"
        ),
        pytest.param({"y": at((0, 1), np.nan)}, {"y": ZEROS}, "torch gives nan", id="torch's NaN"),
        pytest.param({"y": at((0, 0), np.inf)}, {"y": at((0, 0), np.inf)}, "is inf", id="infinite"),
        pytest.param(
            {"y": ZEROS}, {"y": ZEROS[:1]}, r"y is \(1, 3\), expected \(2, 3\)", id="shape"
        ),
        pytest.param(
            {"y": ZEROS}, {"z": ZEROS}, r"outputs are \['z'\], expected \['y'\]", id="names"
        ),
    ],
)
def test_compare_says_what_differs_and_where(
    expected: dict[str, FloatArray], actual: dict[str, FloatArray], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        compare("g", expected, actual, 0.1)


@pytest.mark.parametrize(
    "precision, low, high", [("fp32", 0, 1e-5), ("int8", 1e-5, 0.1)], ids=["fp32", "int8"]
)
def test_sound_graphs_pass(
    tagger: Tagger,
    classifier: Classifier,
    transformer: Transformer,
    precision: Precision,
    low: float,
    high: float,
) -> None:
    graph = tagger_graph(tagger, precision).SerializeToString()
    assert low <= check_tagger(tagger, graph, 5, tolerance=high) <= high
    graph = classifier_graph(classifier, precision).SerializeToString()
    assert low <= check_classifier(classifier, graph, tolerance=high) <= high
    encoder = encoder_graph(transformer, precision).SerializeToString()
    decoder = decoder_step_graph(transformer, precision).SerializeToString()
    assert low <= check_transformer(transformer, encoder, decoder, tolerance=high) <= high


def test_a_model_in_training_mode_is_checked_in_eval_mode(classifier: Classifier) -> None:
    graph = classifier_graph(classifier).SerializeToString()
    assert check_classifier(classifier.train(), graph) < 1e-5


@pytest.mark.parametrize("weight", ["words", "lstm.input", "lstm.recurrent", "emission.weight"])
@pytest.mark.parametrize("damage", [one_more, one_nan])
def test_a_damaged_tagger_is_refused(tagger: Tagger, weight: str, damage: Damage) -> None:
    graph = damaged(tagger_graph(tagger), weight, damage)
    with pytest.raises(ExportError, match=r"tagger, .* tokens: emissions"):
        check_tagger(tagger, graph, 5)


@pytest.mark.parametrize("weight", ["words", "attention.weight", "output.weight"])
def test_a_damaged_classifier_is_refused(classifier: Classifier, weight: str) -> None:
    graph = damaged(classifier_graph(classifier), weight, one_more)
    with pytest.raises(ExportError, match=r"classifier, .* tokens: logits"):
        check_classifier(classifier, graph)


@pytest.mark.parametrize("swapped", [(0, 2, 1, 3), (0, 1, 3, 2), (0, 1, 2, 3)], ids=str)
def test_swapped_lstm_gates_are_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, swapped: tuple[int, ...]
) -> None:
    def wrong_order(weights: FloatArray) -> FloatArray:
        gates = np.split(weights, 4)
        return np.concatenate([gates[i] for i in swapped])

    monkeypatch.setattr(layers, "_onnx_gate_order", wrong_order)
    with pytest.raises(ExportError, match="logits"):
        check_classifier(classifier, classifier_graph(classifier).SerializeToString())


@pytest.mark.parametrize(
    "graph, weight, message",
    [
        ("encoder", "encoder.1.fc2.weight", r"1 x 1 tokens: cross_keys\.0 at the start"),
        ("encoder", "decoder.1.cross.kv.weight", r"cross_keys\.1 at the start"),
        ("decoder", "decoder.0.self.qkv.weight", r"log_probs at step [01]"),
        ("decoder", "decoder.0.cross.q.weight", r"log_probs at step"),
        ("decoder", "decoder.1.fc1.weight", r"log_probs at step"),
    ],
)
def test_a_damaged_transformer_is_refused(
    transformer: Transformer, graph: str, weight: str, message: str
) -> None:
    models = {"encoder": encoder_graph(transformer), "decoder": decoder_step_graph(transformer)}
    files = {name: model.SerializeToString() for name, model in models.items()}
    files[graph] = damaged(models[graph], weight, lambda array: array * np.float32(1.2))
    with pytest.raises(ExportError, match=message):
        check_transformer(transformer, files["encoder"], files["decoder"])


def in_the_old_order(state: OnnxState, rows: IntArray) -> OnnxState:
    return select(state, np.sort(rows, axis=1))


def first_sentences(state: OnnxState, rows: IntArray) -> OnnxState:
    wrong = {name: value[: len(rows)] for name, value in state.cross.items()}
    return replace(select(state, rows), cross=wrong)


select = OnnxState.select


@pytest.mark.parametrize("wrong_select", [in_the_old_order, first_sentences])
def test_a_state_that_mixes_hypotheses_or_sentences_up_is_refused(
    transformer: Transformer,
    monkeypatch: pytest.MonkeyPatch,
    wrong_select: Callable[[OnnxState, IntArray], OnnxState],
) -> None:
    monkeypatch.setattr(OnnxState, "select", wrong_select)
    graphs = encoder_graph(transformer), decoder_step_graph(transformer)
    with pytest.raises(ExportError, match=r"at step [2345]"):
        check_transformer(transformer, *(graph.SerializeToString() for graph in graphs))
