from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqserve.embeddings.maps import clusters, draw_map, project
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import DataError, InputError


def groups(seed: int) -> WordVectors:
    """Return three groups of 12, 8 and 5 words around three directions."""
    rng = np.random.default_rng(seed)
    sizes = (12, 8, 5)
    rows = np.concatenate(
        [5 * np.eye(6)[i] + rng.normal(size=(n, 6)) * 0.3 for i, n in enumerate(sizes)]
    )
    words = tuple(f"{name}{i}" for name, n in zip("abc", sizes, strict=True) for i in range(n))
    return WordVectors(words, rows.astype(np.float32))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clusters_are_the_groups(seed: int) -> None:
    vectors = groups(seed)
    found = clusters(vectors, 3, seed)
    assert [{word[0] for word in words} for words in found] == [{"a"}, {"b"}, {"c"}]
    assert [len(words) for words in found] == [12, 8, 5]
    assert clusters(vectors, 3, seed) == found
    centre = vectors.unit[:12].mean(0)
    distances = np.linalg.norm(vectors.unit[:12] - centre, axis=1)
    assert found[0] == [vectors.words[row] for row in distances.argsort()]


@pytest.mark.parametrize("projection", ["pca", "t-sne"])
def test_groups_are_apart_on_the_map(projection: Any) -> None:
    vectors = groups(1)
    places = project(vectors.unit, projection)
    centres = np.array([places[:12].mean(0), places[12:20].mean(0), places[20:].mean(0)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(1)
    assert nearest.tolist() == [0] * 12 + [1] * 8 + [2] * 5
    assert np.array_equal(project(vectors.unit, projection), places)


def test_the_map_shows_every_word(tmp_path: Path) -> None:
    words = ["a<b", "$x$", "中文"]
    for name in ("one.svg", "two.svg"):
        draw_map(words, np.float32([[0, 0], [1, 2], [3, 1]]), "title & more", tmp_path / name)
    texts = {text.strip() for text in ET.parse(tmp_path / "one.svg").getroot().itertext()}
    assert {*words, "title & more"} <= texts
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_mistakes_are_named(tmp_path: Path) -> None:
    vectors = groups(1)
    with pytest.raises(InputError, match="26 clusters; there are only 25 words"):
        clusters(vectors, 26)
    for projection in ("pca", "t-sne"):
        with pytest.raises(InputError, match="2 words; a map needs at least 3"):
            project(vectors.unit[:2], projection)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"m\.svg cannot be written"):
        draw_map("abc", np.zeros((3, 2), np.float32), "", tmp_path / "no" / "m.svg")
