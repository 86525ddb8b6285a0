from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from seqserve.datasets.inventory import FoundSet, find_sets, missing_for
from seqserve.errors import ConfigError, DataError
from seqserve.training.recipe import Recipe, read_recipe
from seqserve.training.recipe_data import DataSet

ROOT = Path(__file__).parents[2]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = text.encode()
    path.write_bytes(lzma.compress(raw) if path.suffix == ".xz" else raw)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Write one data set of every kind."""
    write(tmp_path / "ner/people/train.conll.xz", "Ann\tB-PER\n\nOslo\tB-LOC\n")
    write(tmp_path / "ner/people/dev.conll", "Ann\tB-PER\n")
    write(tmp_path / "films/test.jsonl", '{"text": "good", "label": 1}\n')
    write(tmp_path / "more/unsup.jsonl", '{"text": "x"}\n{"text": "y"}\n')
    write(tmp_path / "pairs/train.en", "a\nb\n")
    write(tmp_path / "pairs/train.zh.xz", "一\n二\n")
    write(tmp_path / "pairs/train_attribution.tsv", "who\n")
    write(tmp_path / "notes/README.md", "nothing\n")
    write(tmp_path / ".hidden/train.conll", "Ann\tB-PER\n")
    return tmp_path


def found(root: Path, *, hashed: bool = False) -> dict[str, FoundSet]:
    return {one.path: one for one in find_sets(root, hashed=hashed)}


def test_sets_of_every_kind(root: Path) -> None:
    assert found(root) == {
        "films": FoundSet("films", "labelled", (), {"test": 1}),
        "more": FoundSet("more", "unlabelled", (), {"unsup": 2}),
        "ner/people": FoundSet("ner/people", "ner", (), {"train": 2, "dev": 1}),
        "pairs": FoundSet("pairs", "translation", ("en", "zh"), {"train": 2}),
    }


def test_licence_and_checksums(root: Path) -> None:
    folder = root / "ner/people"
    digest = hashlib.sha256((folder / "dev.conll").read_bytes()).hexdigest()
    files = {"dev.conll": {"sha256": digest}, "test.conll.xz": {"sha256": "0"}}
    write(folder / "META.json", json.dumps({"licence": "CC0-1.0", "files": files}))
    people = found(root, hashed=True)["ner/people"]
    assert (people.licence, people.faults, people.absent) == ("CC0-1.0", [], ["test.conll.xz"])
    write(folder / "dev.conll", "Eve\tB-PER\n")
    assert found(root)["ner/people"].faults == []
    (fault,) = found(root, hashed=True)["ner/people"].faults
    assert fault.startswith("dev.conll has another checksum than in META.json")


def test_licences_of_several_sources(root: Path) -> None:
    write(root / "pairs/META.json", json.dumps({"licences": {"php": "CC BY 3.0", "mdn": "CC0"}}))
    assert found(root)["pairs"].licence == "php: CC BY 3.0; mdn: CC0"


DAMAGED = {
    "tag": (
        "ner/people/dev.conll",
        "Ann PER\n",
        "ner/people",
        "people dev, line 1: 'Ann PER' is not token<TAB>tag",
    ),
    "sides": ("pairs/train.en", "a\n", "pairs", "pairs train: 1 en lines, 2 zh lines"),
    "label": ("films/test.jsonl", '{"text": "x", "label": 1.5}\n', "films", "label is 1.5"),
    "second line": (
        "films/test.jsonl",
        '{"text": "x", "label": 1}\n{"text": "y"}\n',
        "films",
        "line 2",
    ),
    "no JSON": ("films/test.jsonl", "x\n", "films", "JSONDecodeError"),
    "no text": ("more/unsup.jsonl", '{"txt": 1}\n', "more", "KeyError"),
    "empty": ("ner/people/dev.conll", "", "ner/people", "people dev holds no examples"),
    "not xz": ("pairs/train.zh.xz", "", "pairs", ""),
    "meta": ("pairs/META.json", "{", "pairs", "META.json is no JSON"),
    "meta list": ("pairs/META.json", "[]", "pairs", "META.json holds no object"),
}


@pytest.mark.parametrize(("file", "text", "name", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told_and_the_others_are_read(
    root: Path, file: str, text: str, name: str, message: str
) -> None:
    path = root / file
    path.write_bytes(text.encode() if message else b"no xz at all")
    sets = found(root)
    assert len(sets) == 4
    assert any(message in fault for fault in sets[name].faults)
    assert not any(one.faults for one in sets.values() if one.path != name)


def test_no_folder() -> None:
    with pytest.raises(DataError, match="--data"):
        list(find_sets(Path("nowhere"), hashed=False))


def recipe_of(task: str) -> Recipe:
    names = {"ner": "ner-en", "sentiment": "sentiment-en-base", "translation": "translate-en-zh"}
    return read_recipe(ROOT / "recipes" / f"{names[task]}.toml")


def with_sets(recipe: Recipe, *train: DataSet) -> Recipe:
    return replace(
        recipe, data=replace(recipe.data, train=train, dev=train, test=(), calibration=()), text={}
    )


MISSING = {
    "nothing": ("ner", DataSet("ner/people", ""), []),
    "split": ("sentiment", DataSet("films", ""), ["films/train.jsonl", "films/dev.jsonl"]),
    "named split": ("sentiment", DataSet("films", "", split="test"), []),
    "lines of one label": (
        "sentiment",
        DataSet("pairs", "", label="neutral", language="en"),
        ["pairs/dev.en"],
    ),
    "lines without language": (
        "sentiment",
        DataSet("pairs", "", label="neutral", split="all"),
        ["pairs/all.txt"],
    ),
    "a side": ("translation", DataSet("pairs", ""), ["pairs/dev.en", "pairs/dev.zh"]),
    "all": ("ner", DataSet("none", ""), ["none/train.conll", "none/dev.conll"]),
}


@pytest.mark.parametrize(("task", "dataset", "expected"), MISSING.values(), ids=MISSING)
def test_what_a_recipe_lacks(root: Path, task: str, dataset: DataSet, expected: list[str]) -> None:
    assert missing_for(with_sets(recipe_of(task), dataset), root) == expected


def test_calibration_sets_are_needed_too(root: Path) -> None:
    recipe = with_sets(recipe_of("ner"), DataSet("ner/people", ""))
    data = replace(recipe.data, calibration=(DataSet("ner/others", ""),))
    assert missing_for(replace(recipe, data=data), root) == ["ner/others/dev.conll"]


def test_unlabelled_texts_and_vectors_are_needed_too(root: Path) -> None:
    recipe = with_sets(recipe_of("ner"), DataSet("ner/people", ""))
    text = {"unlabelled": ["more/unsup.jsonl.xz", "no.txt"], "vectors": {"file": "glove.txt.xz"}}
    assert missing_for(replace(recipe, text=text), root) == ["no.txt", "glove.txt"]
    with pytest.raises(ConfigError, match="is no path"):
        missing_for(replace(recipe, text={"unlabelled": [3]}), root)


@pytest.mark.parametrize("task", ["ner", "sentiment", "translation"])
def test_shipped_recipes_name_sets_that_the_catalogue_has(task: str, tmp_path: Path) -> None:
    from seqserve.datasets.catalogue import ELSEWHERE, SOURCES

    known = {one.path for one in (*SOURCES, *ELSEWHERE)}
    for file in missing_for(recipe_of(task), tmp_path):
        assert any(file.startswith(f"{path}/") for path in known), file
