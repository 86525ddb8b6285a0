"""The linear-chain CRF in numpy: best path, partition function, exact probabilities along a path.

A path of tags y scores `start[y0] + sum(emissions[t, yt]) + sum(matrix[yt-1, yt]) + end[yT-1]`, and
P(y | x) is proportional to the exponential of its score. Everything is vectorised over the batch;
only tokens are looped over. Rows have at least one token; what stands in the padding, even NaN,
never reaches a result. No tag scheme is known here: callers say which tags make a span.

Source: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqserve.arrays import BoolArray, FloatArray, IntArray

DoubleArray = NDArray[np.float64]

# Below this, a float64 sum of exponentials may have lost terms that count; above it, only rounding.
_TRUSTED_SUM = 1e-280


@dataclass(frozen=True)
class Transitions:
    """Log-potentials between tags; illegal moves are large negative numbers such as -1e4, not -inf.

    Args:
        start: (K,), of a row's first tag.
        matrix: (K, K), from, to.
        end: (K,), of a row's last tag.
    """

    start: FloatArray
    matrix: FloatArray
    end: FloatArray

    def to_mapping(self) -> dict[str, Any]:
        """Return all of it as JSON values; `from_mapping` reads them back."""
        return {name: values.tolist() for name, values in vars(self).items()}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Transitions:
        """Restore from the result of `to_mapping`.

        Raises:
            KeyError: One of the fields is missing.
        """
        return cls(*(np.array(values[name], np.float32) for name in ("start", "matrix", "end")))


@dataclass(frozen=True)
class TagPaths:
    """The best tags of every row, and how probable each step along them is.

    A span start..end along the path, no longer and no shorter, has the probability
    exp(enter[start] + go_on[start + 1] + ... + go_on[end - 1] + leave[end - 1]).

    Args:
        tags: (B, T) int64, 0 where padded.
        enter: (B, T) float32, log P(tag).
        go_on: (B, T) float32, log P(tag | tag before); 0 at the first token.
        leave: (B, T) float32, log P(no inside tag next | tag); 0 at a row's last token.
    """

    tags: IntArray
    enter: FloatArray
    go_on: FloatArray
    leave: FloatArray

    def log_probabilities(self) -> FloatArray:
        """Return log P(tags) of every row, (B,) float32."""
        sums: FloatArray = self.enter[:, 0] + self.go_on.sum(axis=1)
        return sums

    def span_scores(self, row: IntArray, start: IntArray, end: IntArray) -> FloatArray:
        """Return the probability of spans, (N,) float32, each of its row from `start` to before `end`."""
        so_far = np.cumsum(self.go_on, axis=1, dtype=np.float64)
        logs = self.enter[row, start] + self.leave[row, end - 1]
        scores: FloatArray = np.exp(logs + (so_far[row, end - 1] - so_far[row, start]))
        return np.minimum(scores, 1, dtype=np.float32)


def viterbi(
    emissions: FloatArray, lengths: IntArray, transitions: Transitions
) -> tuple[IntArray, FloatArray]:
    """The best path of every row.

    The forward pass keeps scores only; the way back looks up the best predecessor of the one tag
    that it visits, K times fewer argmax than with back-pointers.

    Args:
        emissions: (B, T, K) log-potentials, float32.
        lengths: (B,) tokens per row, 1..T.
        transitions: Log-potentials between tags.

    Returns:
        Tags (B, T) int64, 0 where padded, and the best path's score (B,) float32. Of two equally
        good tags the lower one wins.
    """
    n_rows, n_tokens, _ = emissions.shape
    tags = np.zeros((n_rows, n_tokens), np.int64)
    if n_rows == 0:
        return tags, np.zeros(0, np.float32)
    emissions = _zero_padding(emissions, lengths)
    scores = _best_scores(emissions, transitions)  # (T, B, K)
    final = scores[lengths - 1, np.arange(n_rows)] + transitions.end  # (B, K)
    into = np.ascontiguousarray(transitions.matrix.T)  # (K, K) to, from
    current = final.argmax(
        axis=1
    )  # (B,) the last tag, until the way back reaches the row's last token
    for t in range(n_tokens - 1, 0, -1):
        tags[:, t] = current
        previous = (scores[t - 1] + into[current]).argmax(axis=1)
        current = np.where(t < lengths, previous, current)
    tags[:, 0] = current
    tags[~_is_token(lengths, n_tokens)] = 0
    return tags, final.max(axis=1)


def log_alphas(emissions: FloatArray, lengths: IntArray, transitions: Transitions) -> DoubleArray:
    """Forward log-sums over all beginnings that end in tag k at token t, emission t included.

    Args:
        emissions: (B, T, K) log-potentials, float32.
        lengths: (B,) tokens per row, 1..T.
        transitions: Log-potentials between tags.

    Returns:
        (B, T, K) float64, since callers subtract large numbers; meaningless where padded.
    """
    emissions = _zero_padding(emissions, lengths)
    alphas = np.zeros(emissions.shape, np.float64)
    forward = _LogMatrix(transitions.matrix)
    alphas[:, :1] = transitions.start + emissions[:, :1]
    for t in range(1, emissions.shape[1]):
        alphas[:, t] = forward.sum_over_rows(alphas[:, t - 1]) + emissions[:, t]
    return alphas


def log_betas(emissions: FloatArray, lengths: IntArray, transitions: Transitions) -> DoubleArray:
    """Backward log-sums over all ways to go on from tag k at token t, emission t not included.

    Args:
        emissions: (B, T, K) log-potentials, float32.
        lengths: (B,) tokens per row, 1..T.
        transitions: Log-potentials between tags.

    Returns:
        (B, T, K) float64; `transitions.end` at a row's last token and where padded.
    """
    emissions = _zero_padding(emissions, lengths)
    betas = np.empty(emissions.shape, np.float64)
    betas[:] = transitions.end
    backward = _LogMatrix(transitions.matrix.T)
    for t in range(emissions.shape[1] - 2, -1, -1):
        further = backward.sum_over_rows(betas[:, t + 1] + emissions[:, t + 1])
        betas[:, t] = np.where((t + 1 < lengths)[:, None], further, transitions.end)
    return betas


def log_partition(emissions: FloatArray, lengths: IntArray, transitions: Transitions) -> FloatArray:
    """The logarithm of the sum over all paths of exp(score), per row.

    Args:
        emissions: (B, T, K) log-potentials, float32.
        lengths: (B,) tokens per row, 1..T.
        transitions: Log-potentials between tags.

    Returns:
        (B,) float32.
    """
    alphas = log_alphas(emissions, lengths, transitions)
    return _log_partition(alphas, lengths, transitions).astype(np.float32)


def tag_paths(
    emissions: FloatArray,
    lengths: IntArray,
    transitions: Transitions,
    inside_tags: IntArray,
    twin_tags: IntArray | None = None,
) -> TagPaths:
    """The best path of every row, and the exact probabilities along it.

    Args:
        emissions: (B, T, K) log-potentials, float32.
        lengths: (B,) tokens per row, 1..T.
        transitions: Log-potentials between tags.
        inside_tags: (K,), which tag right behind tag k makes its span longer; -1: none.
        twin_tags: (K,), which other tag begins the same spans as tag k, with the same transitions from it; -1:
            none. The probability of either is that of both. None: no tag has one.
    """
    tags, _ = viterbi(emissions, lengths, transitions)
    return along(tags, emissions, lengths, transitions, inside_tags, twin_tags)


def along(
    tags: IntArray,
    emissions: FloatArray,
    lengths: IntArray,
    transitions: Transitions,
    inside_tags: IntArray,
    twin_tags: IntArray | None = None,
) -> TagPaths:
    """As `tag_paths`, along any tags (B, T), 0 where padded."""
    emissions = _zero_padding(emissions, lengths)
    is_token = _is_token(lengths, emissions.shape[1])
    alphas = log_alphas(emissions, lengths, transitions)
    betas = log_betas(emissions, lengths, transitions)
    log_z = _log_partition(alphas, lengths, transitions)
    steps = transitions.matrix[tags[:, :-1]] + (emissions + betas)[:, 1:]  # (B, T - 1, K)
    steps -= _pick(betas, tags)[:, :-1, None]  # log P(tag next | tag)
    marginals = alphas + betas
    enters = _pick(marginals, tags)
    if twin_tags is not None:
        twins = twin_tags[tags]
        of_twins = np.where(twins >= 0, _pick(marginals, np.maximum(twins, 0)), -np.inf)
        enters = np.logaddexp(enters, of_twins)
    others = np.arange(emissions.shape[2]) != inside_tags[tags[:, :-1], None]
    leaves = _log_sum(np.where(others, steps, -np.inf))

    def probable(logs: DoubleArray, counts: BoolArray) -> FloatArray:
        return np.where(counts, np.minimum(logs, 0.0), 0.0).astype(np.float32)

    return TagPaths(
        tags,
        probable(enters - log_z[:, None], is_token),
        np.pad(probable(_pick(steps, tags[:, 1:]), is_token[:, 1:]), [(0, 0), (1, 0)]),
        np.pad(probable(leaves, is_token[:, 1:]), [(0, 0), (0, 1)]),
    )


def _best_scores(emissions: FloatArray, transitions: Transitions) -> FloatArray:
    """(T, B, K) float32 score of the best beginning that ends in tag k at token t."""
    n_rows, n_tokens, n_tags = emissions.shape
    scores = np.empty((n_tokens, n_rows, n_tags), np.float32)
    scores[0] = transitions.start + emissions[:, 0]
    for t in range(1, n_tokens):
        scores[t] = (scores[t - 1][:, :, None] + transitions.matrix).max(axis=1)
        scores[t] += emissions[:, t]
    return scores


def _log_partition(alphas: DoubleArray, lengths: IntArray, transitions: Transitions) -> DoubleArray:
    last = alphas[np.arange(len(lengths)), lengths - 1] + transitions.end  # (B, K)
    return _log_sum(last)


def _pick(values: DoubleArray, tags: IntArray) -> DoubleArray:
    """(B, T, K) at tags (B, T)."""
    return np.take_along_axis(values, tags[:, :, None], axis=2)[:, :, 0]


class _LogMatrix:
    """A matrix of log-potentials, ready for log(exp(x) @ exp(matrix)), numerically stable."""

    def __init__(self, log_matrix: FloatArray) -> None:
        self._log_matrix = log_matrix.astype(np.float64)
        self._shift = self._log_matrix.max()
        self._matrix = np.exp(self._log_matrix - self._shift)

    def sum_over_rows(self, log_weights: DoubleArray) -> DoubleArray:
        """(B, K) log-sums over k' of log_weights (B, k') + log_matrix (k', K).

        One matrix product does it, unless some sum is so far below the row's maximum that float64
        cannot hold it. Only then is the shift taken per sum, at B x K x K exponentials.
        """
        shift = log_weights.max(axis=1, keepdims=True)
        sums = np.exp(log_weights - shift) @ self._matrix
        if sums.min(initial=1.0) > _TRUSTED_SUM:
            log_sums: DoubleArray = np.log(sums) + (shift + self._shift)
            return log_sums
        return _log_sum(log_weights[:, None, :] + self._log_matrix.T)


def _log_sum(log_terms: DoubleArray) -> DoubleArray:
    """Log-sum-exp over the last axis; -inf where all terms are."""
    shift = np.maximum(log_terms.max(axis=-1, keepdims=True), np.finfo(np.float64).min)
    with np.errstate(divide="ignore"):
        log_sums: DoubleArray = np.log(np.exp(log_terms - shift).sum(axis=-1)) + shift[..., 0]
    return log_sums


def _is_token(lengths: IntArray, n_tokens: int) -> BoolArray:
    """(B, T), False where padded."""
    return np.arange(n_tokens) < lengths[:, None]


def _zero_padding(emissions: FloatArray, lengths: IntArray) -> FloatArray:
    """The emissions with 0 where padded, so that no NaN or infinity can spread from there."""
    is_token = _is_token(lengths, emissions.shape[1])
    return np.where(is_token[:, :, None], emissions, np.float32(0))
