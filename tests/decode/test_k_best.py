from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from seqserve.arrays import FloatArray
from seqserve.decode.crf import Transitions, tag_paths
from seqserve.decode.k_best import k_best
from seqserve.text.tags import TagScheme

SCHEME = TagScheme(["PER", "LOC"])
ILLEGAL = np.float32(-1e4)


def potentials(seed: int, n_tokens: int) -> tuple[FloatArray, Transitions]:
    rng = np.random.default_rng(seed)
    first, moves = SCHEME.allowed()
    n_tags = len(SCHEME)
    return (
        rng.normal(0, 2, (n_tokens, n_tags)).astype(np.float32),
        Transitions(
            np.where(first, rng.normal(0, 1, n_tags), ILLEGAL).astype(np.float32),
            np.where(moves, rng.normal(0, 1, (n_tags, n_tags)), ILLEGAL).astype(np.float32),
            rng.normal(0, 1, n_tags).astype(np.float32),
        ),
    )


def brute_force(
    emissions: FloatArray, transitions: Transitions, borders: tuple[int, ...] = ()
) -> list[tuple[tuple[int, ...], float]]:
    """Return every legal tag sequence with its probability, the most probable first."""
    n_tokens, n_tags = emissions.shape
    inside = SCHEME.inside_tags()
    found, total = [], 0.0
    for tags in product(range(n_tags), repeat=n_tokens):
        score = transitions.start[tags[0]] + transitions.end[tags[-1]]
        score += sum(emissions[t, tag] for t, tag in enumerate(tags))
        score += sum(transitions.matrix[a, b] for a, b in pairwise(tags))
        if score < -1e3:
            continue
        weight = float(np.exp(np.float64(score)))
        total += weight
        if not any(inside[tags[t - 1]] == tags[t] for t in borders):
            found.append((tags, weight))
    return sorted(((tags, w / total) for tags, w in found), key=lambda pair: -pair[1])


@pytest.mark.parametrize("k", [1, 2, 7])
@pytest.mark.parametrize("n_tokens", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_k_best_are_those_of_brute_force(seed: int, n_tokens: int, k: int) -> None:
    emissions, transitions = potentials(seed, n_tokens)
    found = k_best(emissions, transitions, k, SCHEME.inside_tags())
    expected = brute_force(emissions, transitions)[:k]
    assert [tuple(one.tags.tolist()) for one in found] == [tags for tags, _ in expected]
    assert [one.probability for one in found] == pytest.approx([p for _, p in expected], rel=1e-4)


@pytest.mark.parametrize("borders", [(1,), (2, 3), (1, 2, 3, 4)])
def test_no_span_goes_over_a_border_and_probabilities_stay(borders: tuple[int, ...]) -> None:
    emissions, transitions = potentials(9, 5)
    emissions[:, 2::2] += 2  # spans are long
    found = k_best(emissions, transitions, 6, SCHEME.inside_tags(), borders)
    expected = brute_force(emissions, transitions, borders)[:6]
    assert [tuple(one.tags.tolist()) for one in found] == [tags for tags, _ in expected]
    assert [one.probability for one in found] == pytest.approx([p for _, p in expected], rel=1e-4)
    unbound = k_best(emissions, transitions, 6, SCHEME.inside_tags())
    assert [one.tags.tolist() for one in unbound] != [one.tags.tolist() for one in found]


def test_there_may_be_fewer() -> None:
    emissions, transitions = potentials(1, 1)
    found = k_best(emissions, transitions, 7, SCHEME.inside_tags())
    assert len(found) == 3  # O, B-PER, B-LOC
    assert sum(one.probability for one in found) == pytest.approx(1, abs=1e-6)


def test_the_best_one_is_that_of_the_best_paths() -> None:
    emissions, transitions = potentials(3, 40)
    inside = SCHEME.inside_tags()
    paths = tag_paths(emissions[None], np.array([40]), transitions, inside)
    best = k_best(emissions, transitions, 3, inside)[0]
    assert best.tags.tolist() == paths.tags[0].tolist()
    assert np.log(best.probability) == pytest.approx(float(paths.log_probabilities()[0]), abs=1e-3)
