"""The parity checks pass what is right and refuse what is not, however small the damage."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from model_export.checks.difference import compare
from model_export.checks.parity import (
    TOLERANCE,
    check_classifier,
    check_tagger,
    check_transformer,
)
from model_export.exporters.graphs import lstm
from model_export.exporters.graphs.classifier import classifier_graph
from model_export.exporters.graphs.tagger import tagger_graph
from model_export.exporters.graphs.translator import translator_graphs
from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import FloatArray
from seqserve.errors import ExportError
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import Tagger
from seqserve.models.transformer import Transformer
from seqserve.text.subwords import SPECIALS
from seqserve.text.tagging import WordTokenEncoder

ZEROS = np.zeros((2, 3), np.float32)
Damage = Callable[[FloatArray], FloatArray]


def at(place: tuple[int, int], value: float) -> FloatArray:
    array = ZEROS.copy()
    array[place] = value
    return array


def changed(weights: Weights, name: str, damage: Damage) -> Weights:
    """The weights with one tensor damaged."""
    return Weights({**weights.tensors, name: damage(weights.tensors[name].copy())})


def scale(model: onnx.ModelProto, name: str, factor: float) -> None:
    """Change a tensor in one graph and no other."""
    (held,) = (tensor for tensor in model.graph.initializer if tensor.name == name)
    array = numpy_helper.to_array(held) * np.float32(factor)
    held.CopyFrom(numpy_helper.from_array(array, name))


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
            r"g: y \(2, 3\) is 0.5 at \(1, 2\), where torch returns 0.0; the tolerance is 0.1",
            id="too far",
        ),
        pytest.param(
            {"y": ZEROS},
            {"y": at((0, 1), np.nan)},
            r"y \(2, 3\) of onnxruntime is not finite: nan at \(0, 1\)",
            id="the graph's NaN",
        ),
        pytest.param(
            {"y": at((0, 1), np.nan)}, {"y": ZEROS}, "of torch is not finite: nan", id="torch's NaN"
        ),
        pytest.param(
            {"y": at((0, 0), np.inf)},
            {"y": at((0, 0), np.inf)},
            "of torch is not finite: inf",
            id="infinite",
        ),
        pytest.param(
            {"y": at((0, 0), 3e38)},
            {"y": at((0, 0), -3e38)},
            r"is -3.0+\d*e\+38 at \(0, 0\), where torch returns 3.0",
            id="a difference beyond float32",
        ),
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


def test_sound_graphs_pass(
    tagger: Tagger, tagger_text: WordTokenEncoder, classifier: Classifier
) -> None:
    scheme = tagger_text.scheme
    graph = tagger_graph(tagger.config, Weights.of(tagger), scheme)
    assert 0 <= check_tagger(tagger, scheme, graph) < TOLERANCE
    graph = classifier_graph(classifier.config, Weights.of(classifier))
    assert 0 <= check_classifier(classifier, graph, classifier.config.n_words) < TOLERANCE


def test_models_in_training_mode_are_checked_in_eval_mode(
    tagger: Tagger, tagger_text: WordTokenEncoder, classifier: Classifier
) -> None:
    scheme, in_training = tagger_text.scheme, deepcopy(classifier).train()
    graph = classifier_graph(classifier.config, Weights.of(classifier))
    assert check_classifier(in_training, graph, classifier.config.n_words) < TOLERANCE
    graph = tagger_graph(tagger.config, Weights.of(tagger), scheme)
    assert check_tagger(deepcopy(tagger).train(), scheme, graph) < TOLERANCE


@pytest.mark.parametrize("damage", [one_more, one_nan])
@pytest.mark.parametrize(
    "weight",
    [
        "words.weight",
        "characters.embedding.weight",
        "characters.convolution.weight",
        "lstm.forwards.weight_ih_l0",
        "lstm.backwards.weight_hh_l0",
        "emission.weight",
        "crf.start",
        "crf.moves",
        "crf.end",
    ],
)
def test_a_damaged_tagger_is_refused(
    tagger: Tagger, tagger_text: WordTokenEncoder, weight: str, damage: Damage
) -> None:
    weights = changed(Weights.of(tagger), weight, damage)
    graph = tagger_graph(tagger.config, weights, tagger_text.scheme)
    with pytest.raises(ExportError, match=r"tagger, .* tokens: (tags|enter|go_on|leave) "):
        check_tagger(tagger, tagger_text.scheme, graph)


@pytest.mark.parametrize("weight", ["words.weight", "lstm.forwards.bias_ih_l0", "output.weight"])
def test_a_damaged_classifier_is_refused(classifier: Classifier, weight: str) -> None:
    weights = changed(Weights.of(classifier), weight, one_more)
    with pytest.raises(ExportError, match=r"classifier, .* tokens: logits"):
        check_classifier(
            classifier,
            classifier_graph(classifier.config, weights),
            classifier.config.n_words,
        )


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3, 2), (0, 1, 2, 3)], ids=str)
def test_swapped_lstm_gates_are_refused(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...]
) -> None:
    monkeypatch.setattr(lstm, "_GATES", order)
    with pytest.raises(ExportError, match="logits"):
        check_classifier(
            classifier,
            classifier_graph(classifier.config, Weights.of(classifier)),
            classifier.config.n_words,
        )


def test_a_graph_that_reads_what_lies_behind_a_row_is_refused(classifier: Classifier) -> None:
    graph = classifier_graph(classifier.config, Weights.of(classifier))
    for node in graph.graph.node:
        node.input[:] = ["widths" if name == "lengths" else name for name in node.input]
    for i, node in enumerate(
        [
            helper.make_node("Shape", ["word_ids"], ["width"], start=1),
            helper.make_node("Shape", ["lengths"], ["n_rows"]),
            helper.make_node("Expand", ["width", "n_rows"], ["widths"]),
        ]
    ):
        graph.graph.node.insert(i, node)
    with pytest.raises(ExportError, match="logits"):
        check_classifier(classifier, graph, classifier.config.n_words)


@pytest.mark.parametrize(
    "graph, weight",
    [
        ("encoder", "encoder.layers.1.fc2.weight"),
        ("encoder", "decoder.layers.1.encoder_attn.k_proj.weight"),
        ("greedy", "decoder.layers.1.fc1.weight"),
        ("beam", "decoder.layers.0.self_attn.q_proj.weight"),
        ("beam", "decoder.layers.0.encoder_attn.q_proj.weight"),
    ],
)
def test_a_damaged_transformer_is_refused(
    transformer: Transformer, graph: str, weight: str
) -> None:
    graphs = translator_graphs(transformer.config, Weights.of(transformer), SPECIALS.banned)
    scale(graphs[graph], weight, 1.2)
    with pytest.raises(ExportError, match=r"beam size \d, \d x \d+ tokens: "):
        check_transformer(transformer, graphs, SPECIALS)


def test_sound_translation_graphs_pass(transformer: Transformer) -> None:
    graphs = translator_graphs(transformer.config, Weights.of(transformer), SPECIALS.banned)
    assert 0 <= check_transformer(transformer, graphs, SPECIALS) <= 1e-5
