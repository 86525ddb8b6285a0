"""The CRF compared with sums over all paths, a padded batch compared with its rows, and extreme numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng
from scipy.special import logsumexp

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.crf import (
    TagPaths,
    Transitions,
    along,
    log_alphas,
    log_betas,
    log_partition,
    tag_paths,
    viterbi,
)

ILLEGAL = -1e4


def random_transitions(rng: Generator, n_tags: int, share_illegal: float = 0.0) -> Transitions:
    matrix = rng.standard_normal((n_tags, n_tags)).astype(np.float32)
    matrix[rng.random(matrix.shape) < share_illegal] = ILLEGAL
    matrix[:, 0] = np.maximum(matrix[:, 0], -2.0)  # tag 0 is always allowed: some path is legal
    return Transitions(
        start=rng.standard_normal(n_tags).astype(np.float32),
        matrix=matrix,
        end=rng.standard_normal(n_tags).astype(np.float32),
    )


def random_batch(
    rng: Generator, n_rows: int, n_tokens: int, n_tags: int
) -> tuple[FloatArray, IntArray]:
    emissions = rng.standard_normal((n_rows, n_tokens, n_tags)).astype(np.float32) * 2
    lengths = rng.integers(1, n_tokens + 1, n_rows)
    return emissions, lengths


def all_paths(row: FloatArray, transitions: Transitions) -> dict[tuple[int, ...], float]:
    """Return every path of one row, without padding, and its score."""
    scores = {}
    for path in product(range(row.shape[1]), repeat=len(row)):
        score = float(transitions.start[path[0]]) + float(transitions.end[path[-1]])
        score += sum(float(row[t, tag]) for t, tag in enumerate(path))
        score += sum(float(transitions.matrix[move]) for move in pairwise(path))
        scores[path] = score
    return scores


def share(
    paths: dict[tuple[int, ...], float], **wanted: Callable[[tuple[int, ...]], bool]
) -> float:
    """Return the conditional probability P(is | given) over all paths."""
    given = {path: score for path, score in paths.items() if wanted["given"](path)}
    both = [score for path, score in given.items() if wanted["is_"](path)]
    if not both:
        return 0.0
    return float(np.exp(logsumexp(both) - logsumexp(list(given.values()))))


def random_tags(rng: Generator, lengths: IntArray, n_tokens: int, n_tags: int) -> IntArray:
    tags = rng.integers(0, n_tags, (len(lengths), n_tokens))
    return np.where(np.arange(n_tokens) < lengths[:, None], tags, 0)


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, n_tags=st.integers(1, 4), n_tokens=st.integers(1, 5))
def test_viterbi_finds_the_best_of_all_paths(seed: int, n_tags: int, n_tokens: int) -> None:
    rng = default_rng(seed)
    transitions = random_transitions(rng, n_tags, share_illegal=0.3)
    emissions, lengths = random_batch(rng, 3, n_tokens, n_tags)

    tags, scores = viterbi(emissions, lengths, transitions)

    for row, length in enumerate(lengths):
        paths = all_paths(emissions[row, :length], transitions)
        best = max(paths.values())
        assert scores[row] == pytest.approx(best, rel=1e-5, abs=1e-4)
        assert paths[tuple(tags[row, :length].tolist())] == pytest.approx(best, rel=1e-5, abs=1e-4)
        assert not tags[row, length:].any()


@settings(max_examples=40, deadline=None)
@given(seed=seeds, n_tags=st.integers(1, 4), n_tokens=st.integers(1, 5))
def test_log_partition_sums_over_all_paths(seed: int, n_tags: int, n_tokens: int) -> None:
    rng = default_rng(seed)
    transitions = random_transitions(rng, n_tags, share_illegal=0.3)
    emissions, lengths = random_batch(rng, 3, n_tokens, n_tags)

    log_z = log_partition(emissions, lengths, transitions)

    for row, length in enumerate(lengths):
        paths = all_paths(emissions[row, :length], transitions)
        assert log_z[row] == pytest.approx(logsumexp(list(paths.values())), rel=1e-5, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, n_tags=st.integers(1, 3), n_tokens=st.integers(1, 4))
def test_a_step_has_its_share_of_the_paths(seed: int, n_tags: int, n_tokens: int) -> None:
    rng = default_rng(seed)
    transitions = random_transitions(rng, n_tags)
    emissions, lengths = random_batch(rng, 2, n_tokens, n_tags)
    tags = random_tags(rng, lengths, n_tokens, n_tags)
    inside = rng.integers(-1, n_tags, n_tags)

    found = along(tags, emissions, lengths, transitions, inside)

    for row, length in enumerate(lengths):
        paths = all_paths(emissions[row, :length], transitions)
        for t, tag in enumerate(tags[row, :length]):

            def at(path: tuple[int, ...], t: int = t, tag: int = tag) -> bool:
                return path[t] == tag

            def before(path: tuple[int, ...], t: int = t, tag: int = tags[row, t - 1]) -> bool:
                return t == 0 or path[t - 1] == tag

            def leaves(path: tuple[int, ...], t: int = t, tag: int = inside[tag]) -> bool:
                return path[t + 1 : t + 2] != (tag,)

            expected = (
                share(paths, given=lambda _: True, is_=at),
                share(paths, given=before, is_=at) if t else 1,
                share(paths, given=at, is_=leaves),
            )
            logs = found.enter[row, t], found.go_on[row, t], found.leave[row, t]
            np.testing.assert_allclose(np.exp(logs), expected, rtol=1e-4, atol=1e-6)
        for values in (found.enter, found.go_on, found.leave):
            assert not values[row, length:].any()


@settings(max_examples=20, deadline=None)
@given(seed=seeds, n_tokens=st.integers(1, 5))
def test_a_span_along_the_best_path_has_its_share_of_the_paths(seed: int, n_tokens: int) -> None:
    rng = default_rng(seed)
    transitions = random_transitions(rng, 3, share_illegal=0.2)
    emissions, lengths = random_batch(rng, 2, n_tokens, 3)
    inside = np.array([-1, 2, 2])  # O, B, I

    found = tag_paths(emissions, lengths, transitions, inside)

    for row, length in enumerate(lengths.tolist()):
        paths = all_paths(emissions[row, :length], transitions)
        tags = tuple(found.tags[row, :length].tolist())
        for start, end in ((a, b) for a in range(length) for b in range(a + 1, length + 1)):
            span = tags[start:end]

            def holds(
                path: tuple[int, ...], span: Any = span, a: int = start, b: int = end
            ) -> bool:
                return path[a:b] == span and path[b : b + 1] != (inside[span[-1]],)

            score = found.span_scores(*np.array([[row], [start], [end]]))
            expected = share(paths, given=lambda _: True, is_=holds)
            assert score[0] == pytest.approx(expected, rel=1e-4, abs=1e-6)
        best = share(paths, given=lambda _: True, is_=lambda path, tags=tags: path == tags)
        assert np.exp(found.log_probabilities()[row]) == pytest.approx(best, rel=1e-4)


def test_spans_of_one_start_partition_the_start_tag() -> None:
    """A token tagged B begins one span, however long: their probabilities add up to its marginal."""
    rng = default_rng(1)
    transitions = random_transitions(rng, 5)
    emissions, _ = random_batch(rng, 1, 12, 5)
    lengths = np.array([12])
    tags = np.array([[0, 0, 0, 1, *[2] * 8]])

    found = along(tags, emissions, lengths, transitions, np.array([-1, 2, 2, 4, 4]))

    ends = np.arange(4, 13)
    scores = found.span_scores(ends * 0, ends * 0 + 3, ends)
    assert scores.sum() == pytest.approx(np.exp(found.enter[0, 3]), rel=1e-5)


def test_alphas_and_betas_meet_at_every_token() -> None:
    rng = default_rng(2)
    transitions = random_transitions(rng, 6, share_illegal=0.4)
    emissions, lengths = random_batch(rng, 4, 30, 6)

    meeting = logsumexp(
        log_alphas(emissions, lengths, transitions) + log_betas(emissions, lengths, transitions),
        axis=2,
    )

    log_z = log_partition(emissions, lengths, transitions)
    for row, length in enumerate(lengths):
        np.testing.assert_allclose(meeting[row, :length], log_z[row], rtol=1e-5)


@pytest.mark.parametrize("padding", [0.0, 1e9, np.inf, -np.inf, np.nan])
def test_padded_batch_gives_what_its_rows_give_alone(padding: float) -> None:
    rng = default_rng(3)
    transitions = random_transitions(rng, 7, share_illegal=0.3)
    emissions, lengths = random_batch(rng, 9, 20, 7)
    lengths[:3] = (1, 2, 20)
    for row, length in enumerate(lengths):
        emissions[row, length:] = padding
        emissions[row, length:, ::2] *= -1
    inside = np.arange(1, 8) % 7

    tags, scores = viterbi(emissions, lengths, transitions)
    log_z = log_partition(emissions, lengths, transitions)
    paths = tag_paths(emissions, lengths, transitions, inside)

    for row, length in enumerate(lengths):
        alone = emissions[row : row + 1, :length], lengths[row : row + 1], transitions
        tags_alone, score_alone = viterbi(*alone)
        np.testing.assert_array_equal(tags[row, :length], tags_alone[0])
        assert not tags[row, length:].any()
        np.testing.assert_allclose(scores[row], score_alone[0])
        np.testing.assert_allclose(log_z[row], log_partition(*alone)[0], rtol=1e-6)
        paths_alone = tag_paths(*alone, inside)
        for name in ("enter", "go_on", "leave"):
            values, values_alone = getattr(paths, name)[row], getattr(paths_alone, name)[0]
            np.testing.assert_allclose(values[:length], values_alone, atol=1e-6)
            assert not values[length:].any()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_large_and_small_potentials_stay_finite_and_right(scale: float) -> None:
    """At 1e3 and above, a sum of exponentials shifted once per row would underflow."""
    rng = default_rng(4)
    base = random_transitions(rng, 3)
    transitions = Transitions(*(x * np.float32(scale) for x in (base.start, base.matrix, base.end)))
    emissions, lengths = random_batch(rng, 4, 5, 3)
    emissions *= np.float32(scale)

    log_z = log_partition(emissions, lengths, transitions)
    paths = tag_paths(emissions, lengths, transitions, np.array([-1, 2, 2]))

    for logs in (paths.enter, paths.go_on, paths.leave):
        assert (logs <= 0).all() and np.isfinite(logs).all()
    for row, length in enumerate(lengths):
        scores = list(all_paths(emissions[row, :length], transitions).values())
        assert log_z[row] == pytest.approx(logsumexp(scores), rel=1e-5)


def test_a_path_that_looks_hopeless_halfway_still_counts() -> None:
    """Tag 1 is 1000 nats behind at token 0 and leads at token 1, where it is the only allowed tag."""
    transitions = Transitions(
        start=np.zeros(2, np.float32),
        matrix=np.array([[0, ILLEGAL], [ILLEGAL, 0]], np.float32),
        end=np.zeros(2, np.float32),
    )
    emissions = np.array([[[0, -1000], [-5000, 0]]], np.float32)
    lengths = np.array([2])

    assert log_partition(emissions, lengths, transitions)[0] == pytest.approx(-1000)
    np.testing.assert_array_equal(viterbi(emissions, lengths, transitions)[0], [[1, 1]])


def test_ties_go_to_the_lower_tag() -> None:
    transitions = Transitions(np.zeros(3, "f"), np.zeros((3, 3), "f"), np.zeros(3, "f"))
    tags, scores = viterbi(np.zeros((2, 4, 3), np.float32), np.array([4, 2]), transitions)
    assert not tags.any()
    assert not scores.any()


@pytest.mark.parametrize(
    ("other_emission", "start", "expected"),
    [
        pytest.param(9.1, 999, 0.25, id="a token of uniform potentials"),
        pytest.param(-20.0, 0, 1.0, id="a span of a thousand sure tokens"),
    ],
)
def test_long_rows_keep_their_precision(other_emission: float, start: int, expected: float) -> None:
    transitions = Transitions(np.zeros(4, "f"), np.zeros((4, 4), "f"), np.zeros(4, "f"))
    emissions = np.full((1, 1000, 4), 9.1, np.float32)
    emissions[:, :, :3] = other_emission
    tags = np.full((1, 1000), 3)
    paths = along(tags, emissions, np.array([1000]), transitions, np.full(4, 3))
    score = paths.span_scores(*np.array([[0], [start], [1000]]))
    assert score[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n_tokens", [0, 3])
def test_a_batch_without_rows_works(n_tokens: int) -> None:
    transitions = random_transitions(default_rng(5), 3)
    emissions = np.zeros((0, n_tokens, 3), np.float32)
    lengths = np.zeros(0, np.int64)

    tags, scores = viterbi(emissions, lengths, transitions)

    assert tags.shape == (0, n_tokens)
    assert scores.shape == (0,)
    assert log_alphas(emissions, lengths, transitions).shape == (0, n_tokens, 3)
    assert log_betas(emissions, lengths, transitions).shape == (0, n_tokens, 3)
    assert log_partition(emissions, lengths, transitions).shape == (0,)
    if n_tokens:
        paths = tag_paths(emissions, lengths, transitions, np.array([-1, 2, 2]))
        assert paths.enter.shape == paths.leave.shape == (0, n_tokens)


def test_no_spans_in_a_batch_with_rows() -> None:
    rng = default_rng(6)
    emissions, lengths = random_batch(rng, 2, 4, 3)
    paths = tag_paths(emissions, lengths, random_transitions(rng, 3), np.array([-1, 2, 2]))
    assert paths.span_scores(*np.zeros((3, 0), np.int64)).shape == (0,)


def test_results_have_the_types_of_the_seam() -> None:
    rng = default_rng(7)
    transitions = random_transitions(rng, 4)
    emissions, lengths = random_batch(rng, 2, 5, 4)

    tags, scores = viterbi(emissions, lengths, transitions)

    assert (tags.dtype, scores.dtype) == (np.int64, np.float32)
    assert log_partition(emissions, lengths, transitions).dtype == np.float32
    paths = tag_paths(emissions, lengths, transitions, np.array([-1, 2, 2, -1]))
    assert [getattr(paths, field.name).dtype for field in fields(TagPaths)] == [
        np.int64,
        *[np.float32] * 3,
    ]
    assert paths.span_scores(*np.array([[0], [0], [1]])).dtype == np.float32


def test_inputs_are_left_as_they_were() -> None:
    rng = default_rng(8)
    transitions = random_transitions(rng, 4)
    emissions, lengths = random_batch(rng, 3, 6, 4)
    before = emissions.copy(), lengths.copy(), transitions.matrix.copy()

    viterbi(emissions, lengths, transitions)
    tag_paths(emissions, lengths, transitions, np.array([-1, 2, 2, -1]))

    for now, then in zip((emissions, lengths, transitions.matrix), before, strict=True):
        np.testing.assert_array_equal(now, then)
