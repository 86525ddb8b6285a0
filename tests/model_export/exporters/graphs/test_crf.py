"""The CRF in a graph against the one in numpy, which is tested against sums over all paths."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import onnx
import pytest
import torch
from numpy.random import Generator, default_rng

from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.crf import REACH, TAG_PATHS, add_tag_paths, transitions
from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.crf import TagPaths, Transitions, tag_paths
from seqserve.models.tagger import ILLEGAL, LinearChainCrf, Tagger
from seqserve.runtime.session import make_session, run
from seqserve.text.tags import TagScheme
from seqserve.training.ner import transitions_of

SCHEME = TagScheme(["PER", "LOC", "ORG"])
K = len(SCHEME)


def random_transitions(rng: Generator, scale: float = 1.0) -> Transitions:
    first, moves = SCHEME.allowed()
    start, end = rng.normal(size=(2, K)).astype(np.float32) * np.float32(scale)
    matrix = rng.normal(size=(K, K)).astype(np.float32) * np.float32(scale)
    illegal = np.float32(ILLEGAL)
    return Transitions(np.where(first, start, illegal), np.where(moves, matrix, illegal), end)


class Graph:
    """A CRF as a function of emissions (B, T, K) and lengths (B,)."""

    def __init__(self, potentials: Transitions, scheme: TagScheme = SCHEME) -> None:
        g = GraphBuilder("crf")
        emissions = g.float_input("emissions", "B", "T", len(scheme))
        lengths = g.int_input("lengths", "B")
        by_token = g.op("Transpose", emissions, perm=[1, 0, 2])
        add_tag_paths(g, by_token, lengths, potentials, scheme)
        self.model: onnx.ModelProto = g.build()
        self._session = make_session(self.model.SerializeToString())

    def __call__(self, emissions: FloatArray, lengths: IntArray) -> TagPaths:
        found = run(self._session, {"emissions": emissions, "lengths": lengths})
        return TagPaths(np.asarray(found["tags"], np.int64), *(found[n] for n in TAG_PATHS[1:]))


def random_batch(
    rng: Generator, n_texts: int, n_tokens: int, scale: float = 2.0
) -> tuple[FloatArray, IntArray]:
    emissions = rng.normal(size=(n_texts, n_tokens, K)).astype(np.float32) * np.float32(scale)
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    lengths[0] = n_tokens
    return emissions, lengths


def assert_same(found: TagPaths, expected: TagPaths, atol: float = 2e-6) -> None:
    np.testing.assert_array_equal(found.tags, expected.tags)
    for name in TAG_PATHS[1:]:
        given, right = np.exp(getattr(found, name)), np.exp(getattr(expected, name))
        np.testing.assert_allclose(given, right, atol=atol, err_msg=name)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (5, 1), (7, 33), (2, 300)], ids=str)
@pytest.mark.parametrize("scale", [0.1, 2, 12], ids=lambda s: f"scale {s}")
def test_paths_are_those_of_numpy(shape: tuple[int, int], scale: float) -> None:
    rng = default_rng(shape[0] * shape[1])
    potentials = random_transitions(rng)
    emissions, lengths = random_batch(rng, *shape, scale=scale)
    expected = tag_paths(emissions, lengths, potentials, SCHEME.inside_tags())
    assert_same(Graph(potentials)(emissions, lengths), expected)


@pytest.mark.parametrize("furthest", [30, 150, 0.99 * REACH], ids=lambda f: f"{f:.0f} apart")
def test_emissions_as_far_apart_as_allowed_are_right(furthest: float) -> None:
    rng = default_rng(1)
    potentials = random_transitions(rng)
    graph = Graph(potentials)
    for _ in range(20):
        emissions, lengths = random_batch(rng, 8, 12)
        emissions = (rng.choice([-0.5, 0.5], emissions.shape) * furthest).astype(np.float32)
        emissions += rng.normal(size=emissions.shape).astype(np.float32)
        emissions = np.clip(emissions, -furthest / 2, furthest / 2, dtype=np.float32)
        found = graph(emissions, lengths)
        expected = tag_paths(emissions, lengths, potentials, SCHEME.inside_tags())
        np.testing.assert_array_equal(found.tags, expected.tags)
        spans = SCHEME.spans(found.tags, lengths)
        place = spans.row, spans.start, spans.end
        np.testing.assert_allclose(
            found.span_scores(*place), expected.span_scores(*place), atol=1e-4
        )


def test_what_is_further_apart_counts_as_if_it_were_as_far_as_allowed() -> None:
    rng = default_rng(6)
    graph = Graph(random_transitions(rng))
    emissions, lengths = random_batch(rng, 8, 12, scale=900)
    near = np.maximum(emissions, emissions.max(axis=2, keepdims=True) - np.float32(REACH))
    found, expected = graph(emissions, lengths), graph(near, lengths)
    for name in TAG_PATHS[1:]:
        there, right = getattr(found, name), getattr(expected, name)
        assert np.isfinite(there).all()
        same = (found.tags == expected.tags).all(axis=1)
        assert same.any()
        np.testing.assert_allclose(there[same], right[same], rtol=1e-4, atol=1e-4)


def test_a_row_gets_the_same_bits_in_every_batch() -> None:
    rng = default_rng(2)
    graph = Graph(random_transitions(rng))
    emissions, lengths = random_batch(rng, 17, 40)
    lengths[:3] = 1, 2, 40
    together = graph(emissions, lengths)
    for row, n in enumerate(lengths):
        alone = graph(emissions[row : row + 1, :n], lengths[row : row + 1])
        for name in TAG_PATHS:
            there = getattr(together, name)[row]
            np.testing.assert_array_equal(getattr(alone, name)[0], there[:n])
            assert not there[n:].any()


def test_what_lies_behind_the_length_does_not_matter() -> None:
    rng = default_rng(3)
    graph = Graph(random_transitions(rng))
    emissions, lengths = random_batch(rng, 6, 20)
    behind = np.arange(20) >= lengths[:, None]
    other = np.where(behind[:, :, None], np.float32(-70), emissions)
    for name in TAG_PATHS:
        before, after = (getattr(graph(e, lengths), name) for e in (emissions, other))
        np.testing.assert_array_equal(before, after)


def test_a_scheme_without_labels_has_nothing_but_the_outside() -> None:
    scheme = TagScheme([])
    zero = np.zeros(1, np.float32)
    found = Graph(Transitions(zero, zero[None], zero), scheme)(
        np.ones((2, 3, 1), np.float32), np.array([3, 1])
    )
    for name in TAG_PATHS:
        assert not getattr(found, name).any()


def test_ties_go_to_the_lower_tag() -> None:
    first, moves = SCHEME.allowed()
    illegal = np.float32(ILLEGAL)
    legal = Transitions(
        np.where(first, np.float32(0), illegal),
        np.where(moves, np.float32(0), illegal),
        np.zeros(K, np.float32),
    )
    found = Graph(legal)(np.zeros((2, 5, K), np.float32), np.array([5, 2]))
    assert not found.tags.any()


def test_potentials_are_those_that_training_decodes_with(tagger: Tagger) -> None:
    expected = transitions_of(tagger)
    found = transitions(Weights.of(tagger), TagScheme(["PER", "LOC", "ORG", "MISC"]))
    for name in ("start", "matrix", "end"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_probabilities_are_those_of_torch() -> None:
    """P(best tags) = exp(-loss)."""
    torch.manual_seed(0)
    crf = LinearChainCrf(*map(torch.from_numpy, SCHEME.allowed()))
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    start, matrix, end = (p.detach().numpy() for p in crf.potentials())
    emissions, lengths = random_batch(default_rng(4), 5, 4, scale=1)
    found = Graph(Transitions(start, matrix, end))(emissions, lengths)
    with torch.inference_mode():
        loss = crf(*map(torch.from_numpy, (emissions, found.tags, lengths))).numpy()
    np.testing.assert_allclose(np.exp(found.log_probabilities()), np.exp(-loss), atol=1e-5)


def test_outputs_are_the_fields_of_tag_paths() -> None:
    model = Graph(random_transitions(default_rng(5))).model
    assert tuple(output.name for output in model.graph.output) == TAG_PATHS
    assert tuple(field.name for field in fields(TagPaths)) == TAG_PATHS
