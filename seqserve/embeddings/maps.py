"""Word vectors at a glance: clusters of words, and a map of them in two dimensions.

Source: van der Maaten and Hinton 2008 (t-SNE).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from seqserve.arrays import FloatArray
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import DataError, InputError

matplotlib.use("Agg")

from matplotlib import pyplot as plt

Projection = Literal["pca", "t-sne"]


def clusters(vectors: WordVectors, k: int, seed: int = 1) -> list[list[str]]:
    """Group all words by k-means on vectors of length 1.

    Returns:
        The words of each cluster, the nearest to its centre first; the largest cluster first.

    Raises:
        InputError: There are fewer words than clusters.
    """
    if k > len(vectors.words):
        raise InputError(f"{k} clusters; there are only {len(vectors.words)} words")
    fitted = KMeans(k, n_init="auto", random_state=seed).fit(vectors.unit)
    distances = np.linalg.norm(vectors.unit - fitted.cluster_centers_[fitted.labels_], axis=1)
    found: list[list[str]] = [[] for _ in range(k)]
    for row in np.argsort(distances, kind="stable"):
        found[fitted.labels_[row]].append(vectors.words[row])
    return sorted(found, key=len, reverse=True)


def project(rows: FloatArray, projection: Projection, seed: int = 1) -> FloatArray:
    """Return (N, 2) places of (N, D) vectors on a map.

    Raises:
        InputError: There are fewer than three vectors.
    """
    if len(rows) < 3:
        raise InputError(f"{len(rows)} words; a map needs at least 3")
    if projection == "pca":
        method = PCA(2, random_state=seed)
    else:
        method = TSNE(2, perplexity=min(30, (len(rows) - 1) / 3), random_state=seed)
    places: FloatArray = method.fit_transform(rows)
    return places


def draw_map(words: Sequence[str], places: FloatArray, title: str, picture: Path) -> None:
    """Draw words at their (N, 2) places as an SVG; the same input produces the same bytes.

    Raises:
        DataError: The file cannot be written.
    """
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "seqserve"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The SVG holds text, which is drawn with the fonts of whoever looks at it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure, axes = plt.subplots(figsize=(8, 6), layout="tight")
        axes.scatter(places[:, 0], places[:, 1], s=8)
        for word, place in zip(words, places, strict=True):
            axes.annotate(
                word, place, (3, 3), textcoords="offset points", fontsize=8, parse_math=False
            )
        axes.set(xticks=[], yticks=[])
        axes.set_title(title, fontsize=10)
        try:
            figure.savefig(picture, format="svg", metadata={"Date": None})
        except OSError as error:
            raise DataError(f"{picture} cannot be written: {error.strerror}") from error
        finally:
            plt.close(figure)
