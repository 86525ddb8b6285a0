"""Int8 graphs pass if they are close to torch and the same in every batch, and only then."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import numpy_helper

from model_export.checks.difference import Outputs
from model_export.exporters.graphs.classifier import EXACT as CLASSIFIER_EXACT
from model_export.exporters.graphs.classifier import classifier_graph
from model_export.exporters.graphs.crf import transitions
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.tagger import EXACT, tagger_graph
from model_export.exporters.graphs.weights import Weights
from model_export.int8.equalisation import equalised_classifier, equalised_tagger
from model_export.int8.quantization import (
    TOLERANCE,
    check_int8_classifier,
    check_int8_tagger,
    check_invariance,
)
from seqserve.errors import ExportError
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import ILLEGAL, Tagger
from seqserve.runtime.text_logits import softmax
from seqserve.text.protocols import Inputs
from seqserve.text.tagging import WordTokenEncoder

STEPS = {"words.weight": FEATURE_SCALE}
SHAPES = [(1, 3), (4, 5)]


def rounded_tagger(tagger: Tagger, text: WordTokenEncoder) -> Weights:
    return Weights.of(equalised_tagger(tagger, text), "int8", exact=EXACT, steps=STEPS)


def rounded_classifier(model: Classifier) -> Weights:
    return Weights.of(equalised_classifier(model), "int8", exact=CLASSIFIER_EXACT, steps=STEPS)


def changed(weights: Weights, name: str, factor: float) -> Weights:
    tensors = dict(weights.tensors)
    tensors[name] = (tensors[name] * factor).astype(tensors[name].dtype)
    return Weights(tensors)


def test_sound_graphs_pass(
    tagger: Tagger, tagger_text: WordTokenEncoder, classifier: Classifier
) -> None:
    weights = rounded_tagger(tagger, tagger_text)
    graph = tagger_graph(tagger.config, weights, tagger_text.scheme)
    assert 0 < check_int8_tagger(tagger, tagger_text, graph) < TOLERANCE
    graph = classifier_graph(classifier.config, rounded_classifier(classifier))
    assert 0 < check_int8_classifier(classifier, softmax, graph) < TOLERANCE


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("lstm.forwards.weight_ih_l0.scales", 3),
        ("lstm.backwards.weight_hh_l0.scales", -2),
        ("lstm.backwards.bias_ih_l0", -8),
        ("emission.weight", 2),
        ("crf.moves", 1.3),
    ],
)
def test_a_tagger_that_is_rounded_wrongly_is_refused(
    tagger: Tagger, tagger_text: WordTokenEncoder, name: str, factor: float
) -> None:
    weights = changed(rounded_tagger(tagger, tagger_text), name, factor)
    graph = tagger_graph(tagger.config, weights, tagger_text.scheme)
    with pytest.raises(ExportError, match=r"int8 tagger, .* tokens: (enter|go_on|leave|share)"):
        check_int8_tagger(tagger, tagger_text, graph)


def test_a_classifier_that_is_rounded_wrongly_is_refused(classifier: Classifier) -> None:
    weights = changed(rounded_classifier(classifier), "output.weight", -3)
    with pytest.raises(ExportError, match=r"int8 classifier, .* tokens: probabilities"):
        check_int8_classifier(classifier, softmax, classifier_graph(classifier.config, weights))


def test_a_tagger_whose_ranges_follow_the_batch_is_refused(
    tagger: Tagger, tagger_text: WordTokenEncoder
) -> None:
    """A table beyond [-1, 1] widens the range in which every row's features are rounded."""
    weights = changed(rounded_tagger(tagger, tagger_text), "words.weight.scales", 4)
    graph = tagger_graph(tagger.config, weights, tagger_text.scheme)
    with pytest.raises(ExportError, match="is not the same alone and in a batch"):
        check_int8_tagger(tagger, tagger_text, graph)


def test_a_classifier_whose_ranges_follow_the_batch_is_refused(classifier: Classifier) -> None:
    weights = changed(rounded_classifier(classifier), "words.weight.scales", 1.5)
    graph = classifier_graph(classifier.config, weights)
    with pytest.raises(ExportError, match="is not the same alone and in a batch"):
        check_int8_classifier(classifier, softmax, graph)


def test_a_classifier_is_held_to_the_probabilities_that_it_serves(classifier: Classifier) -> None:
    graph = classifier_graph(classifier.config, rounded_classifier(classifier))
    hot, cold = (
        check_int8_classifier(classifier, lambda logits, t=t: softmax(logits / t), graph)
        for t in (np.float32(10), np.float32(1))
    )
    assert hot < cold / 5


def test_a_tagger_that_chooses_worse_tags_is_refused(
    tagger: Tagger, tagger_text: WordTokenEncoder
) -> None:
    """What it says along its tags is right; they are not the best ones."""
    weights = rounded_tagger(tagger, tagger_text)
    graph = tagger_graph(tagger.config, weights, tagger_text.scheme)
    scores = transitions(weights, tagger_text.scheme).matrix.T  # of moves, for the best tags only
    held = [t for t in graph.graph.initializer if np.array_equal(numpy_helper.to_array(t), scores)]
    worse = np.where(scores > ILLEGAL, -scores, scores)
    held[0].CopyFrom(numpy_helper.from_array(worse, held[0].name))
    with pytest.raises(ExportError, match=r"int8 tagger, .* tokens: share"):
        check_int8_tagger(tagger, tagger_text, graph)


def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    return {"ids": rng.integers(0, 9, (n_texts, n_tokens)), "lengths": lengths}


def sums(inputs: Inputs) -> Outputs:
    real = np.arange(inputs["ids"].shape[1]) < inputs["lengths"][:, None]
    return {"sum": (inputs["ids"] * real).sum(1, keepdims=True).astype(np.float32)}


def test_rows_that_are_the_same_in_every_batch_pass() -> None:
    check_invariance("sums", sums, draw, SHAPES)


def test_the_last_bit_counts() -> None:
    def graph(inputs: Inputs) -> Outputs:
        right = sums(inputs)["sum"]
        return {"sum": np.nextafter(right, right + len(right) - 1).astype(np.float32)}

    with pytest.raises(ExportError, match=r"sums: sum of a text of \d tokens .* batch of 4 x 5"):
        check_invariance("sums", graph, draw, SHAPES)
