from __future__ import annotations

import math
from pathlib import Path

import pytest

from seqserve.errors import ConfigError
from seqserve.training.data import read_tagged
from seqserve.training.data.signs import join_signs
from seqserve.training.recipe_data import DataSet


@pytest.mark.parametrize(
    ("tokens", "tags", "joined"),
    [
        ("@ anna", "B-PER B-PER", "@anna/O"),
        ("@ anna", "O O", "@anna/O"),
        ("# Paris", "B-LOC B-LOC", "#Paris/B-LOC"),
        ("# Paris", "B-LOC I-LOC", "#Paris/B-LOC"),
        ("# Paris rocks", "O B-LOC O", "#Paris/B-LOC rocks/O"),
        ("# fun", "O O", "#fun/O"),
        ("@ New York", "O B-LOC I-LOC", "@New/O York/B-LOC"),
        ("@ anna lee", "O I-PER I-PER", "@anna/O lee/B-PER"),
        ("@ a_b 2", "B-PER B-PER O", "@a_b/O 2/O"),
        ("meet @ 5:30", "O O O", "meet/O @/O 5:30/O"),
        ("at @", "O O", "at/O @/O"),
        ("# # a", "O O O", "#/O #a/O"),
    ],
)
def test_signs_are_joined_with_the_word_behind(tokens: str, tags: str, joined: str) -> None:
    found = join_signs(tokens.split(), tags.split(), {"@": False, "#": True})
    assert " ".join(map("/".join, zip(*found, strict=True))) == joined


def test_a_set_is_read_as_its_recipe_says(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("@\tB-PER\nAnna\tB-PER\nSlept\tO\n", encoding="utf-8")
    plain, joined, lower = (
        read_tagged(tmp_path, DataSet(".", "", **options), "train")[0]  # type: ignore[arg-type]
        for options in ({}, {"joins": {"@": True}}, {"joins": {"@": True}, "lower": True})
    )
    assert plain.tokens == ("@", "Anna", "Slept")
    assert joined.tokens == ("@Anna", "Slept") and joined.tags == ("B-PER", "O")
    assert lower.tokens == ("@anna", "slept") and lower.tags == joined.tags


def test_a_lower_cased_set_has_a_name_of_its_own() -> None:
    assert DataSet("ner/news", "").name == "news"
    assert DataSet("ner/news", "", lower=True).name == "news_lower"


@pytest.mark.parametrize("weight", [0, -1, 1e-12, 0.0009, 1000.5, 1e12, 1e308, math.inf, math.nan])
def test_a_weight_has_a_range(weight: float) -> None:
    with pytest.raises(ConfigError, match=r"^ner/news: weight is .*; allowed: 0\.001 to 1,000\."):
        DataSet("ner/news", "", weight=weight)


@pytest.mark.parametrize("weight", [0.001, 0.3, 1000])
def test_weights_that_are_allowed(weight: float) -> None:
    assert DataSet("ner/news", "", weight=weight).weight == weight
