"""The k most probable tag sequences of a linear-chain CRF, with their exact probabilities.

Viterbi's recursion with the k best prefixes of every tag instead of one. The sequences of BIO2 tags and the
labelings of a sentence correspond one to one.

Source: Seshadri and Sundberg, "List Viterbi Decoding Algorithms", IEEE Trans. Communications 42 (1994),
section III (the parallel algorithm).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.crf import Transitions, log_alphas

_ILLEGAL = -1e3  # what is below is an illegal move: potentials are never so low


class TagSequence(NamedTuple):
    """The tags of a sentence, (T,) int64, and the probability of exactly these."""

    tags: IntArray
    probability: float


def k_best(
    emissions: FloatArray,
    transitions: Transitions,
    k: int,
    inside_tags: IntArray,
    borders: Collection[int] = (),
) -> list[TagSequence]:
    """Return the k most probable tag sequences of one sentence, the most probable first.

    Args:
        emissions: (T, K) log-potentials, float32, T at least 1.
        transitions: Log-potentials between tags.
        k: How many; fewer are returned if there are no more.
        inside_tags: (K,), which tag right behind tag k makes its span longer; -1: none.
        borders: Tokens before which no span goes on: other sequences are left out. Probabilities are those
            among all sequences.
    """
    matrix = _legal(transitions.matrix)
    cut = matrix.copy()
    has_inside = np.flatnonzero(inside_tags >= 0)
    cut[has_inside, inside_tags[has_inside]] = -np.inf
    n_tokens, n_tags = emissions.shape
    scores = np.full((n_tags, k), -np.inf)  # of the k best prefixes that end in a tag
    scores[:, 0] = _legal(transitions.start) + emissions[0]
    previous = np.zeros((n_tokens, n_tags, k), np.int64)  # tag * k + rank of the prefix one shorter
    for t in range(1, n_tokens):
        moves = cut if t in borders else matrix
        extended = (scores[:, :, None] + moves[:, None, :]).reshape(n_tags * k, n_tags)
        previous[t] = np.argsort(-extended, axis=0, kind="stable")[:k].T
        scores = np.take_along_axis(extended.T, previous[t], axis=1) + emissions[t][:, None]
    ends = (scores + _legal(transitions.end)[:, None]).ravel()
    best = np.argsort(-ends, kind="stable")[:k]
    log_z = _log_partition(emissions, transitions)
    return [
        TagSequence(_trace(int(i), previous, k), min(1.0, float(np.exp(ends[i] - log_z))))
        for i in best
        if np.isfinite(ends[i])
    ]


def _trace(last: int, previous: NDArray[np.int64], k: int) -> IntArray:
    """Return the tags of the sequence whose last tag and rank are `last`, as tag * k + rank."""
    tags = np.zeros(len(previous), np.int64)
    for t in range(len(previous) - 1, -1, -1):
        tag, rank = divmod(last, k)
        tags[t] = tag
        last = int(previous[t, tag, rank])
    return tags


def _legal(potentials: FloatArray) -> NDArray[np.float64]:
    """Return log-potentials with minus infinity for illegal moves."""
    return np.where(potentials < _ILLEGAL, -np.inf, potentials.astype(np.float64))


def _log_partition(emissions: FloatArray, transitions: Transitions) -> float:
    alphas = log_alphas(emissions[None], np.array([len(emissions)]), transitions)[0, -1]
    return float(np.logaddexp.reduce(alphas + transitions.end))
