"""The classifier's graph against torch: every pooling, one direction or two, any shape."""

from __future__ import annotations

from itertools import product
from typing import get_args

import numpy as np
import pytest
import torch

from model_export.exporters.graphs.classifier import EXACT, classifier_graph
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.weights import Weights
from model_export.int8.equalisation import equalised_classifier
from seqserve.arrays import FloatArray, IntArray
from seqserve.models.classifier import Classifier, ClassifierConfig, Pooling
from seqserve.runtime.session import make_session, run

VARIANTS = list(product(get_args(Pooling), (True, False)))
SHAPES = [(1, 1), (1, 9), (5, 1), (7, 33), (33, 3), (2, 300)]


class Graph:
    """A classifier and its graph as a function of arrays."""

    def __init__(self, model: Classifier, weights: Weights | None = None) -> None:
        self.model = model
        graph = classifier_graph(model.config, weights or Weights.of(model))
        self._session = make_session(graph.SerializeToString())

    def __call__(self, words: IntArray, lengths: IntArray) -> FloatArray:
        return run(self._session, {"word_ids": words, "lengths": lengths})["logits"]


def classifier(pooling: Pooling = "max", bidirectional: bool = True) -> Classifier:
    torch.manual_seed(4)
    config = ClassifierConfig(
        50, 3, word_dim=24, hidden=18, bidirectional=bidirectional, pooling=pooling
    )
    return Classifier(config).eval()


@pytest.fixture(
    scope="module",
    params=VARIANTS,
    ids=lambda variant: f"{variant[0]}-{'both ways' if variant[1] else 'one way'}",
)
def graph(request: pytest.FixtureRequest) -> Graph:
    return Graph(classifier(*request.param))


@pytest.fixture(
    scope="module",
    params=VARIANTS,
    ids=lambda variant: f"{variant[0]}-{'both ways' if variant[1] else 'one way'}",
)
def rounded(request: pytest.FixtureRequest) -> Graph:
    model = classifier(*request.param)
    return Graph(model, rounded_weights(model))


def rounded_weights(model: Classifier) -> Weights:
    steps = {"words.weight": FEATURE_SCALE}
    return Weights.of(equalised_classifier(model), "int8", exact=EXACT, steps=steps)


def random_batch(n_texts: int, n_tokens: int) -> tuple[IntArray, IntArray]:
    rng = np.random.default_rng(n_texts * n_tokens)
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    return rng.integers(0, 50, (n_texts, n_tokens)), lengths


@pytest.mark.parametrize("shape", SHAPES)
def test_the_graph_gives_what_torch_gives(graph: Graph, shape: tuple[int, int]) -> None:
    words, lengths = random_batch(*shape)
    with torch.inference_mode():
        expected = graph.model(torch.from_numpy(words), torch.from_numpy(lengths)).numpy()
    np.testing.assert_allclose(graph(words, lengths), expected, atol=1e-5)


def test_a_batch_gives_what_singles_give(graph: Graph) -> None:
    words, lengths = random_batch(9, 21)
    batch = graph(words, lengths)
    singles = [
        graph(words[i : i + 1, :n], lengths[i : i + 1])[0] for i, n in enumerate(lengths.tolist())
    ]
    np.testing.assert_allclose(batch, singles, atol=1e-6)


def test_bytes_give_the_same_bits_in_every_batch(rounded: Graph) -> None:
    words, lengths = random_batch(19, 21)
    lengths[:3] = 1, 2, 21
    batch = rounded(words, lengths)
    wider = rounded(np.pad(words, [(0, 0), (0, 6)], constant_values=49), lengths)
    for i, n in enumerate(lengths.tolist()):
        single = rounded(words[i : i + 1, :n], lengths[i : i + 1])[0]
        if rounded.model.config.pooling in ("last", "max"):
            np.testing.assert_array_equal(batch[i], single)
            np.testing.assert_array_equal(wider[i], single)
        else:  # sums of floats, in an order that depends on how many there are
            np.testing.assert_allclose(batch[i], single, atol=1e-6)


def test_what_lies_behind_the_length_does_not_matter(graph: Graph) -> None:
    words, lengths = random_batch(4, 11)
    behind = np.arange(11) >= lengths[:, None]
    assert behind.any()
    other = np.where(behind, 49 - words, words)
    np.testing.assert_array_equal(graph(words, lengths), graph(other, lengths))


def test_columns_that_no_row_fills_do_not_matter(graph: Graph) -> None:
    words, lengths = random_batch(4, 11)
    wider = np.pad(words, [(0, 0), (0, 6)])
    np.testing.assert_allclose(graph(words, lengths), graph(wider, lengths), atol=1e-6)


def test_bytes_give_nearly_what_torch_gives(rounded: Graph) -> None:
    words, lengths = random_batch(7, 33)
    with torch.inference_mode():
        expected = rounded.model(torch.from_numpy(words), torch.from_numpy(lengths)).numpy()
    assert 0 < np.abs(rounded(words, lengths) - expected).max() < 0.01


@pytest.mark.parametrize("n_tokens", [1, 7, 8, 9, 16, 17])
def test_maxima_see_every_token_and_nothing_else(n_tokens: int) -> None:
    """The maximum is taken of blocks of eight tokens first; states may all be negative."""
    model = classifier()
    with torch.no_grad():
        for direction in model.lstm.directions:
            direction.bias_ih_l0[2 * 18 : 3 * 18] = -3  # the cells' candidates: all states below 0
    words, lengths = random_batch(12, n_tokens)
    with torch.inference_mode():
        expected = model(torch.from_numpy(words), torch.from_numpy(lengths)).numpy()
    np.testing.assert_allclose(Graph(model)(words, lengths), expected, atol=1e-5)


def test_the_same_model_gives_the_same_bytes() -> None:
    model = classifier()
    graphs = [classifier_graph(model.config, rounded_weights(model)) for _ in range(2)]
    assert graphs[0].SerializeToString() == graphs[1].SerializeToString()
