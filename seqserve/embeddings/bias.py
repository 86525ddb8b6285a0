"""Find the direction of a bias in word vectors, and remove it.

Source: Bolukbasi et al. 2016, "Man is to Computer Programmer as Woman is to Homemaker?", section 6: a subspace
of one dimension, neutralise and equalise; section 5.2: direct bias, with c = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seqserve.arrays import FloatArray
from seqserve.embeddings.vectors import WordVectors, unit_rows
from seqserve.errors import InputError


@dataclass(frozen=True)
class Debiased:
    """The result of `debias`.

    Args:
        vectors: All of length 1, without the bias.
        share: Of the variance of the pairs, what the direction explains.
        neutral: Words that were neutralised, those with the largest association first.
        before: (N,) their association before: the cosine with the direction.
        after: (N,) the same after.
    """

    vectors: WordVectors
    share: float
    neutral: list[str]
    before: FloatArray
    after: FloatArray


def debias(
    vectors: WordVectors, pairs: Sequence[tuple[str, str]], neutral: Sequence[str] = ()
) -> Debiased:
    """Remove the difference between the words of pairs from neutral words, and equalise the pairs.

    Args:
        vectors: As they were learnt.
        pairs: Words that differ in the bias only, such as (she, he); the direction points to the first ones.
        neutral: Words without the bias; none: all that are in no pair, and unknown ones.

    Raises:
        InputError: A word has no vector, or stands twice among the pairs, or the pairs do not differ.
    """
    ids = np.array([[vectors.known_id(word) for word in pair] for pair in pairs])  # (P, 2)
    if len(np.unique(ids)) < ids.size:
        raise InputError("a word stands twice among the pairs; leave it in one pair only")
    direction, share = bias_direction(vectors.unit[ids])
    chosen = np.array([vectors.known_id(word) for word in neutral], np.int64)
    if not len(chosen):
        chosen = np.arange(len(vectors.words))
    chosen = np.setdiff1d(chosen, ids)
    rows = vectors.unit.copy()
    rows[chosen] = neutralise(rows[chosen], direction)
    for pair in ids:
        rows[pair] = equalise(vectors.unit[pair], direction)
    ngrams = vectors.ngrams
    if ngrams is not None and not neutral:
        ngrams = ngrams - np.outer(ngrams @ direction, direction)
    before = vectors.unit[chosen] @ direction
    order = np.argsort(-np.abs(before), kind="stable")
    words = [vectors.words[row] for row in chosen[order]]
    after = rows[chosen[order]] @ direction
    return Debiased(WordVectors(vectors.words, rows, ngrams), share, words, before[order], after)


def bias_direction(pairs: FloatArray) -> tuple[FloatArray, float]:
    """Return the first principal component of pairs around their means, and its share of the variance.

    Args:
        pairs: (P, 2, D) vectors of length 1.

    Returns:
        (D,) of length 1, which points from the second words to the first ones.

    Raises:
        InputError: The words of each pair have the same vector.
    """
    differences = (pairs - pairs.mean(1, keepdims=True)).reshape(-1, pairs.shape[2])
    _, sizes, components = np.linalg.svd(differences, full_matrices=False)
    if not sizes[0] > 1e-6:
        raise InputError(
            "the words of each pair have the same vector; give pairs of different words"
        )
    is_reversed = ((pairs[:, 0] - pairs[:, 1]) @ components[0]).sum() < 0
    direction: FloatArray = -components[0] if is_reversed else components[0]
    return direction, float(sizes[0] ** 2 / (sizes**2).sum())


def neutralise(rows: FloatArray, direction: FloatArray) -> FloatArray:
    """Return (N, D) rows at a right angle to a direction, of length 1."""
    return unit_rows(rows - np.outer(rows @ direction, direction))


def equalise(pair: FloatArray, direction: FloatArray) -> FloatArray:
    """Return the (2, D) vectors of a pair, of length 1, which differ only by their sides of the direction.

    A word at a right angle to the direction is then equally near to both.
    """
    mean = pair.mean(0)
    neutral = mean - (mean @ direction) * direction
    height = np.sqrt(max(0.0, 1 - float(neutral @ neutral)))
    sign = 1.0 if pair[0] @ direction >= pair[1] @ direction else -1.0
    up = np.outer([sign * height, -sign * height], direction)
    equal: FloatArray = (neutral + up).astype(np.float32)
    return equal
