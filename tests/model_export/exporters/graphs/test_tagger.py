"""The tagger's graph against torch: any shape, no influence of the batch, tables for convolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_export.checks.torch_reference import forward, torch_tagger
from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.tagger import EXACT, spelling, spelling_tables, tagger_graph
from model_export.exporters.graphs.weights import Weights
from model_export.int8.equalisation import equalised_tagger
from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.crf import TagPaths
from seqserve.errors import ExportError
from seqserve.models.tagger import CharacterCnn, Tagger
from seqserve.runtime.ner import TaggerModel, onnx_emissions_by_token, onnx_tagger
from seqserve.runtime.session import make_session, run
from seqserve.text.protocols import Inputs
from seqserve.text.tagging import WordTokenEncoder

C = 6
FIELDS = ("tags", "enter", "go_on", "leave")
SHAPES = [(1, 1), (1, 7), (3, 1), (7, 33), (33, 2), (2, 300)]


@pytest.fixture(scope="module")
def exact(tagger: Tagger, tagger_text: WordTokenEncoder) -> TaggerModel:
    return opened(tagger, Weights.of(tagger), tagger_text)


@pytest.fixture(scope="module")
def rounded_weights(tagger: Tagger, tagger_text: WordTokenEncoder) -> Weights:
    equal = equalised_tagger(tagger, tagger_text)
    return Weights.of(equal, "int8", exact=EXACT, steps={"words.weight": FEATURE_SCALE})


@pytest.fixture(scope="module")
def rounded(tagger: Tagger, rounded_weights: Weights, tagger_text: WordTokenEncoder) -> TaggerModel:
    return opened(tagger, rounded_weights, tagger_text)


def inputs(words: IntArray, chars: IntArray, lengths: IntArray) -> Inputs:
    return {"word_ids": words, "char_ids": chars, "lengths": lengths}


def opened(tagger: Tagger, weights: Weights, text: WordTokenEncoder) -> TaggerModel:
    graph = tagger_graph(tagger.config, weights, text.scheme)
    return onnx_tagger(make_session(graph.SerializeToString()))


def random_batch(n_texts: int, n_tokens: int) -> tuple[IntArray, IntArray, IntArray]:
    rng = np.random.default_rng(n_texts * n_tokens)
    words = rng.integers(0, 60, (n_texts, n_tokens))
    chars = rng.integers(0, 40, (n_texts, n_tokens, C))
    chars[..., 3:] *= rng.integers(0, 2, (n_texts, n_tokens, 1))  # some words are short
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    return words, chars, lengths


def probabilities(paths: TagPaths) -> FloatArray:
    return np.exp([paths.enter, paths.go_on, paths.leave])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_graph_gives_what_torch_gives(
    exact: TaggerModel, tagger: Tagger, tagger_text: WordTokenEncoder, shape: tuple[int, int]
) -> None:
    batch = random_batch(*shape)
    found, expected = (
        exact(inputs(*batch)),
        torch_tagger(tagger, tagger_text.scheme)(inputs(*batch)),
    )
    np.testing.assert_array_equal(found.tags, expected.tags)
    np.testing.assert_allclose(probabilities(found), probabilities(expected), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bytes_give_nearly_what_torch_gives(
    rounded: TaggerModel, tagger: Tagger, tagger_text: WordTokenEncoder, shape: tuple[int, int]
) -> None:
    batch = random_batch(*shape)
    found, expected = (
        rounded(inputs(*batch)),
        torch_tagger(tagger, tagger_text.scheme)(inputs(*batch)),
    )
    same = found.tags == expected.tags
    assert same.mean() > 0.97
    difference = np.abs(found.enter - expected.enter)[same]
    assert 0 < difference.max() < 0.05


@pytest.mark.parametrize("kind", ["exact", "rounded"])
def test_a_row_gets_the_same_bits_in_every_batch(kind: str, request: pytest.FixtureRequest) -> None:
    model: TaggerModel = request.getfixturevalue(kind)
    words, chars, lengths = random_batch(19, 21)
    together = model(inputs(words, chars, lengths))
    for i, n in enumerate(lengths):
        alone = model(inputs(words[i : i + 1, :n], chars[i : i + 1, :n], lengths[i : i + 1]))
        for name in FIELDS:
            there, here = getattr(together, name)[i, :n], getattr(alone, name)[0]
            if kind == "rounded" or name == "tags":
                np.testing.assert_array_equal(there, here)
            else:
                np.testing.assert_allclose(there, here, atol=1e-5)


@pytest.mark.parametrize("kind", ["exact", "rounded"])
def test_what_lies_behind_the_length_does_not_matter(
    kind: str, request: pytest.FixtureRequest
) -> None:
    model: TaggerModel = request.getfixturevalue(kind)
    words, chars, lengths = random_batch(4, 11)
    behind = np.arange(11) >= lengths[:, None]
    assert behind.any()
    other_words = np.where(behind, 59 - words, words)
    other_chars = np.where(behind[:, :, None], 39 - chars, chars)
    before, after = (
        model(inputs(words, chars, lengths)),
        model(inputs(other_words, other_chars, lengths)),
    )
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


@pytest.mark.parametrize("kind", ["exact", "rounded"])
def test_places_that_no_word_reaches_do_not_matter(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """A word's end and one place of padding are all that a convolution of width 3 can tell apart."""
    model: TaggerModel = request.getfixturevalue(kind)
    words, chars, lengths = random_batch(4, 11)
    chars[..., 2:] = 0
    whole, cut = model(inputs(words, chars, lengths)), model(inputs(words, chars[..., :4], lengths))
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(whole, name), getattr(cut, name))


def spelling_graph(cnn: CharacterCnn) -> GraphBuilder:
    named = torch.nn.ModuleDict({"characters": cnn})
    return GraphBuilder("spelling", Weights.of(named))


@pytest.mark.parametrize("n_chars", [1, 2, 20], ids=lambda n: f"C={n}")
def test_look_ups_give_what_the_convolution_gives(n_chars: int) -> None:
    torch.manual_seed(3)
    cnn = CharacterCnn(30, 8, 5)
    torch.nn.init.normal_(
        cnn.embedding.weight
    )  # the padding row too: it is a character of the word
    g = spelling_graph(cnn)
    spelled = spelling(g, g.int_input("chars", "T", "B", "C"), 30)
    g.output("spelled", spelled, "T", "B", 5)
    chars = np.random.default_rng(0).integers(0, 30, (4, 3, n_chars))
    with torch.inference_mode():
        expected = cnn(torch.from_numpy(chars).flatten(0, 1)).unflatten(0, (4, 3)).numpy()
    session = make_session(g.build().SerializeToString())
    np.testing.assert_allclose(run(session, {"chars": chars})["spelled"], expected, atol=2e-6)


def test_places_outside_the_word_count_nothing_but_the_bias(tagger: Tagger) -> None:
    g = spelling_graph(tagger.characters)
    for i, table in enumerate(spelling_tables(g)):
        g.output(f"table {i}", table, 41, 12)
    left, middle, right = run(make_session(g.build().SerializeToString()), {}).values()
    assert not left[[0, 40]].any() and not right[[0, 40]].any()  # padding has no embedding
    bias = tagger.characters.convolution.bias
    assert bias is not None
    np.testing.assert_array_equal(middle[40], bias.detach().numpy())
    np.testing.assert_array_equal(middle[0], middle[40])


def test_the_same_model_gives_the_same_bytes(
    tagger: Tagger, rounded_weights: Weights, tagger_text: WordTokenEncoder
) -> None:
    graphs = [
        tagger_graph(tagger.config, rounded_weights, tagger_text.scheme).SerializeToString()
        for _ in range(2)
    ]
    assert graphs[0] == graphs[1]


def test_features_of_unusual_words_are_kept_within_range(
    tagger: Tagger, rounded_weights: Weights, tagger_text: WordTokenEncoder
) -> None:
    """Twice as large a feature would widen the range that all features of a batch are rounded in."""
    bias = "characters.convolution.bias"
    loud = rounded_weights.tensors[bias] + np.float32(9)
    weights = Weights({**rounded_weights.tensors, bias: loud})
    model = opened(tagger, weights, tagger_text)
    words, chars, lengths = random_batch(5, 9)
    together = model(inputs(words, chars, lengths))
    alone = model(inputs(words[:1, : lengths[0]], chars[:1, : lengths[0]], lengths[:1]))
    for name in FIELDS:
        there = getattr(together, name)[0, : lengths[0]]
        np.testing.assert_array_equal(there, getattr(alone, name)[0])


def test_emissions_that_the_crf_cannot_reach_are_refused(
    tagger: Tagger, tagger_text: WordTokenEncoder
) -> None:
    weights = Weights.of(tagger)
    loud = {**weights.tensors, "emission.bias": np.full(9, 150, np.float32)}
    with pytest.raises(ExportError, match=r"two tags 3\d\d apart; the graph's CRF reaches 300"):
        tagger_graph(tagger.config, Weights(loud), tagger_text.scheme)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_emissions_are_those_of_torch(
    tagger: Tagger, tagger_text: WordTokenEncoder, shape: tuple[int, int]
) -> None:
    graph = tagger_graph(tagger.config, Weights.of(tagger), tagger_text.scheme)
    emissions = onnx_emissions_by_token(make_session(graph.SerializeToString()))
    assert emissions is not None
    batch = inputs(*random_batch(*shape))
    is_token = np.arange(shape[1]) < batch["lengths"][:, None]
    found, expected = emissions(batch), forward(tagger, batch)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found[is_token], expected[is_token], atol=1e-4)
