"""The tagger's graph against torch: any shape, no influence of padding, tables for convolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_export.graph import GraphBuilder
from model_export.tagger_graph import spelling, spelling_tables, tagger_graph
from seqserve.arrays import FloatArray, IntArray
from seqserve.models.tagger import CharacterCnn, Tagger
from seqserve.runtime.session import make_session, run

C = 6
SHAPES = [(1, 1), (1, 7), (3, 1), (7, 33), (33, 2), (2, 300)]


class Graph:
    """The graph as a function of arrays."""

    def __init__(self, graph: bytes) -> None:
        self._session = make_session(graph)

    def __call__(self, words: IntArray, chars: IntArray, lengths: IntArray) -> FloatArray:
        inputs = {"word_ids": words, "char_ids": chars, "lengths": lengths}
        return run(self._session, inputs)["emissions"]


@pytest.fixture(scope="module")
def graph(tagger: Tagger) -> Graph:
    return Graph(tagger_graph(tagger).SerializeToString())


def random_batch(n_texts: int, n_tokens: int) -> tuple[IntArray, IntArray, IntArray]:
    rng = np.random.default_rng(n_texts * n_tokens)
    words = rng.integers(0, 60, (n_texts, n_tokens))
    chars = rng.integers(0, 40, (n_texts, n_tokens, C))
    chars[..., 3:] *= rng.integers(0, 2, (n_texts, n_tokens, 1))  # some words are short
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    return words, chars, lengths


def torch_emissions(tagger: Tagger, *batch: IntArray) -> FloatArray:
    with torch.inference_mode():
        emissions: FloatArray = tagger(*map(torch.from_numpy, batch)).numpy()
    return emissions


@pytest.mark.parametrize("shape", SHAPES)
def test_the_graph_gives_what_torch_gives(
    graph: Graph, tagger: Tagger, shape: tuple[int, int]
) -> None:
    batch = random_batch(*shape)
    real = np.arange(shape[1]) < batch[2][:, None]
    difference = graph(*batch)[real] - torch_emissions(tagger, *batch)[real]
    assert np.abs(difference).max() < 1e-5


def test_a_batch_gives_what_singles_give(graph: Graph) -> None:
    words, chars, lengths = random_batch(9, 21)
    batch = graph(words, chars, lengths)
    for i, n in enumerate(lengths):
        single = graph(words[i : i + 1, :n], chars[i : i + 1, :n], lengths[i : i + 1])
        np.testing.assert_allclose(batch[i, :n], single[0], atol=1e-6)


def test_what_lies_behind_the_length_does_not_matter(graph: Graph) -> None:
    words, chars, lengths = random_batch(4, 11)
    behind = np.arange(11) >= lengths[:, None]
    assert behind.any()
    other_words = np.where(behind, 59 - words, words)
    other_chars = np.where(behind[:, :, None], 39 - chars, chars)
    before, after = graph(words, chars, lengths), graph(other_words, other_chars, lengths)
    np.testing.assert_array_equal(before[~behind], after[~behind])


@pytest.mark.parametrize("n_chars", [1, 2, 20], ids=lambda n: f"C={n}")
def test_look_ups_give_what_the_convolution_gives(n_chars: int) -> None:
    torch.manual_seed(3)
    cnn = CharacterCnn(30, 8, 5)
    torch.nn.init.normal_(
        cnn.embedding.weight
    )  # the padding row too: it is a character of the word
    g = GraphBuilder("spelling")
    spelled = spelling(g, g.int_input("chars", "B", "T", "C"), cnn)
    g.output("spelled", spelled, "B", "T", 5)
    chars = np.random.default_rng(0).integers(0, 30, (4, 3, n_chars))
    with torch.inference_mode():
        expected = cnn(torch.from_numpy(chars).flatten(0, 1)).unflatten(0, (4, 3)).numpy()
    session = make_session(g.build().SerializeToString())
    np.testing.assert_allclose(run(session, {"chars": chars})["spelled"], expected, atol=2e-6)


def test_places_outside_the_word_count_nothing_but_the_bias(tagger: Tagger) -> None:
    tables = spelling_tables(tagger.characters)
    assert tables.shape == (3, 41, 12)
    assert not tables[[0, 2], -1].any()
    assert not tables[[0, 2], 0].any()  # the padding id has no embedding
    bias = tagger.characters.convolution.bias
    assert bias is not None
    np.testing.assert_array_equal(tables[1, -1], bias.detach().numpy())


def test_the_same_model_gives_the_same_bytes(tagger: Tagger) -> None:
    graphs = [tagger_graph(tagger, "int8").SerializeToString() for _ in range(2)]
    assert graphs[0] == graphs[1]


def test_int8_is_smaller_and_close(graph: Graph, tagger: Tagger) -> None:
    full, small = tagger_graph(tagger), tagger_graph(tagger, "int8")
    assert small.ByteSize() < 0.6 * full.ByteSize()  # of so small a model, much is not matrices
    words, chars, lengths = random_batch(7, 33)
    real = np.arange(33) < lengths[:, None]
    expected = graph(words, chars, lengths)[real]
    rounded = Graph(small.SerializeToString())(words, chars, lengths)[real]
    assert 0 < np.abs(rounded - expected).max() < 0.02 * np.abs(expected).max()
