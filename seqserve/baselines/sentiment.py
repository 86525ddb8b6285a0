"""Three bags of words: TF-IDF with logistic regression, averaged word vectors with one, naive Bayes.

All read the words that serving reads (`normalized_tokens`): lower case, digits 0, HTML line breaks dropped.

Source: Wang and Manning 2012 (naive Bayes on binarised counts); Iyyer et al. 2015 (averaged vectors);
Pennington et al. 2014 (GloVe).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from seqserve.arrays import FloatArray
from seqserve.errors import DataError
from seqserve.training.data import read_vectors as read_vector_lines

Words = Sequence[str]


@dataclass(frozen=True)
class BagConfig:
    """How the bags of words are fitted.

    Args:
        vectors: Vector file below the data root, plain or `.xz`: a word and its numbers a line.
        min_texts: Words and pairs of words that fewer texts hold are left out.
        weighted_c: Inverse weight of the L2 penalty of the regression on TF-IDF; best of 1, 3, 10 on dev.
        averaged_c: The same of the regression on averaged vectors.
        smoothing: Added to every count of naive Bayes.
    """

    vectors: str = "vectors/glove6B50d_subset/glove.6B.50d.subset.txt"
    min_texts: int = 2
    weighted_c: float = 10.0
    averaged_c: float = 1.0
    smoothing: float = 1.0


def pairs_too(words: Words) -> list[str]:
    """Return the words of a text and its bigrams."""
    return [*words, *map(" ".join, pairwise(words))]


def weighted_words(config: BagConfig) -> Pipeline:
    """Build TF-IDF of words and pairs, and logistic regression; fits and predicts lists of words."""
    weights = TfidfVectorizer(analyzer=pairs_too, min_df=config.min_texts, sublinear_tf=True)
    return make_pipeline(weights, LogisticRegression(C=config.weighted_c, max_iter=1000))


def weighted_words_per_label(config: BagConfig) -> Pipeline:
    """Build the same with a logistic regression for each label; fits and predicts indicators (N, L)."""
    weights = TfidfVectorizer(analyzer=pairs_too, min_df=config.min_texts, sublinear_tf=True)
    regression = LogisticRegression(C=config.weighted_c, max_iter=1000)
    return make_pipeline(weights, OneVsRestClassifier(regression))


def naive_bayes(config: BagConfig) -> Pipeline:
    """Build naive Bayes of which words and pairs a text holds; fits and predicts lists of words."""
    counts = CountVectorizer(analyzer=pairs_too, min_df=config.min_texts, binary=True)
    return make_pipeline(counts, MultinomialNB(alpha=config.smoothing))


class AveragedVectors:
    """The mean of a text's word vectors, and logistic regression (softmax)."""

    def __init__(self, config: BagConfig, vectors: Mapping[str, FloatArray]) -> None:
        self._vectors = vectors
        self._zero = np.zeros_like(next(iter(vectors.values())))
        self._regression = LogisticRegression(C=config.averaged_c, max_iter=1000)

    def fit(self, texts: Sequence[Words], labels: Sequence[int]) -> None:
        """Learn from the words of each text and the index of its label."""
        self._regression.fit(self._means(texts), labels)

    def predict_proba(self, texts: Sequence[Words]) -> FloatArray:
        """Return the probability of each text's labels, (N, L)."""
        probabilities: FloatArray = self._regression.predict_proba(self._means(texts))
        return probabilities

    def _means(self, texts: Sequence[Words]) -> FloatArray:
        """Return (B, D) mean vectors; zeros for a text without a known word."""
        rows = [[self._vectors[w] for w in words if w in self._vectors] for words in texts]
        return np.stack([np.mean(row or [self._zero], axis=0) for row in rows])


def read_vectors(root: Path, file: str) -> dict[str, FloatArray]:
    """Read a vector file.

    Args:
        root: Where the data sets are.
        file: Path below it; `.xz` may be left out.

    Returns:
        Word -> (D,).

    Raises:
        DataError: A line is not a word and as many numbers as the first line has.
    """
    vectors = {
        word: np.array(values, dtype=np.float32)
        for _, word, values in read_vector_lines(root, file)
    }
    if not vectors:
        raise DataError(f"{file} holds no vectors")
    return vectors
