from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqserve.errors import ConfigError, DataError
from seqserve.text.tags import spans_of
from seqserve.training.augmentation import (
    Augmentation,
    AugmentationConfig,
    NameList,
    misspell,
)
from seqserve.training.data import TaggedSentence

SENTENCE = TaggedSentence(
    ("Anna", "Schmidt", "of", "Acme", "visited", "Paris", "yesterday", "."),
    ("B-PER", "I-PER", "O", "B-ORG", "O", "B-LOC", "O", "O"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "given.txt").write_text("Ines\t0.1\nYusuf\t0.2\n", encoding="utf-8")
    (tmp_path / "world.txt").write_text("Aiko\tgiven\tja\nTanaka\tsurname\tja\n", encoding="utf-8")
    (tmp_path / "cities.txt").write_text("New York\tUS\nLagos\tNG\n", encoding="utf-8")
    return tmp_path


def variants(config: AugmentationConfig, root: Path, n: int = 200) -> list[TaggedSentence]:
    augmentation = Augmentation(config, root)
    return [augmentation(SENTENCE, np.random.default_rng(i)) for i in range(n)]


@pytest.mark.parametrize(
    ("config", "is_changed"),
    [
        (
            AugmentationConfig(lower=0.3),
            lambda tokens: tokens == [t.lower() for t in SENTENCE.tokens],
        ),
        (
            AugmentationConfig(upper=0.3),
            lambda tokens: tokens == [t.upper() for t in SENTENCE.tokens],
        ),
        (AugmentationConfig(first=0.3), lambda tokens: tokens[0] == "anna"),
    ],
    ids=["lower", "upper", "first"],
)
def test_a_share_of_sentences_has_another_case(
    root: Path, config: AugmentationConfig, is_changed: object
) -> None:
    found = variants(config, root)
    changed = [one for one in found if list(one.tokens) != list(SENTENCE.tokens)]
    assert all(is_changed(list(one.tokens)) for one in changed)  # type: ignore[operator]
    assert all(one.tags == SENTENCE.tags for one in found)
    assert 0.2 < len(changed) / len(found) < 0.4


def test_names_are_replaced_by_names_of_their_label(root: Path) -> None:
    person = NameList("PER", (("given.txt", "world.txt:given"), ("world.txt:surname",)))
    config = AugmentationConfig(names=0.5, lists=(person, NameList("LOC", (("cities.txt",),))))
    seen: dict[str, set[str]] = {}
    for one in variants(config, root):
        assert len(one.tokens) == len(one.tags)
        for span in spans_of(one.tags):
            seen.setdefault(span.label, set()).add(" ".join(one.tokens[span.start : span.end]))
    assert seen == {
        "PER": {"Anna Schmidt", "Ines Tanaka", "Yusuf Tanaka", "Aiko Tanaka"},
        "ORG": {"Acme"},
        "LOC": {"Paris", "New York", "Lagos"},
    }


def test_a_short_entity_gets_one_part_of_a_name(root: Path) -> None:
    person = NameList("PER", (("given.txt",), ("world.txt:surname",)))
    augmentation = Augmentation(AugmentationConfig(names=1, lists=(person,)), root)
    anna = TaggedSentence(("Anna", "slept"), ("B-PER", "O"))
    found = {augmentation(anna, np.random.default_rng(i)).tokens for i in range(60)}
    assert found == {("Ines", "slept"), ("Yusuf", "slept"), ("Tanaka", "slept")}


def test_typos_are_outside_of_entities(root: Path) -> None:
    found = variants(AugmentationConfig(typos=0.5), root)
    for one in found:
        assert [t for t, tag in zip(one.tokens, one.tags, strict=True) if tag != "O"] == [
            "Anna", "Schmidt", "Acme", "Paris",
        ]  # fmt: skip
    assert any(one.tokens[4] != "visited" for one in found)


@pytest.mark.parametrize("word", ["cat", "10,000", "I", "don't"])
def test_words_that_are_not_misspelt(word: str) -> None:
    assert {misspell(word, np.random.default_rng(i)) for i in range(20)} == {word}


def test_misspelt_words_keep_their_first_letter() -> None:
    found = {misspell("yesterday", np.random.default_rng(i)) for i in range(99)}
    assert all(word[0] == "y" and 8 <= len(word) <= 10 for word in found)
    assert {len(word) for word in found} == {8, 9, 10}


def test_a_variant_depends_on_the_generator_alone(root: Path) -> None:
    config = AugmentationConfig(lower=0.3, typos=0.3)
    assert variants(config, root, 20) == variants(config, root, 20)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"lower": 1.5}, "allowed: 0 to 1"),
        ({"typos": -0.1}, "allowed: 0 to 1"),
        ({"lower": 0.6, "upper": 0.6}, "more than 1 together"),
        ({"names": 0.2}, "needs"),
    ],
    ids=["above", "below", "both", "no lists"],
)
def test_bad_shares(values: dict[str, float], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        AugmentationConfig(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("parts", [(), ((),), (("a.txt",), ())])
def test_a_list_without_a_file(parts: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(ConfigError, match="the names of PER have no file"):
        NameList("PER", parts)


@pytest.mark.parametrize(
    ("file", "reason"),
    [("none.txt", "neither"), ("world.txt:city", "holds no name")],
)
def test_a_list_that_cannot_be_read(root: Path, file: str, reason: str) -> None:
    config = AugmentationConfig(names=0.1, lists=(NameList("PER", ((file,),)),))
    with pytest.raises(DataError, match=reason):
        Augmentation(config, root)
