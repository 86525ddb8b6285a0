from __future__ import annotations

import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from seqserve.errors import DataError
from seqserve.training.data import (
    LabelledText,
    SegmentPair,
    TaggedSentence,
    count_calibration,
    count_examples,
    has_labels,
    read_labelled,
    read_pairs,
    read_raw,
    read_tagged,
)
from seqserve.training.recipe_data import DataSet

SET = DataSet("set", "CC0-1.0")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], None]:
    (tmp_path / "set").mkdir()

    def write(name: str, content: str) -> None:
        raw = content.encode("utf-8")
        (tmp_path / "set" / name).write_bytes(lzma.compress(raw) if name.endswith(".xz") else raw)

    return write


@pytest.mark.parametrize("suffix", ["", ".xz"])
def test_formats(tmp_path: Path, write: Callable[[str, str], None], suffix: str) -> None:
    write(f"train.conll{suffix}", "Anna\tB-PER\nran\tO\n\n\nOslo\tB-LOC\n")
    write(f"train.jsonl{suffix}", '{"text": "good\\u2028film", "label": 1}\n')
    write(f"train.en{suffix}", "one\n\ntwo\u2028three\n")
    write(f"train.zh{suffix}", "一\n\n二\n")
    assert read_tagged(tmp_path, SET, "train") == [
        TaggedSentence(("Anna", "ran"), ("B-PER", "O")),
        TaggedSentence(("Oslo",), ("B-LOC",)),
    ]
    assert read_labelled(tmp_path, SET, "train", ["bad", "good"]) == [
        LabelledText("good\u2028film", (1,))
    ]
    pairs = read_pairs(tmp_path, SET, "train", ["en", "zh"])
    assert pairs == [
        SegmentPair("one", "一"),
        SegmentPair("", ""),
        SegmentPair("two\u2028three", "二"),
    ]
    assert [
        count_examples(tmp_path, SET, "train", task, ["en", "zh"])
        for task in ("ner", "sentiment", "classification", "translation")
    ] == [2, 1, 1, 3]


def test_files_of_windows(tmp_path: Path, write: Callable[[str, str], None]) -> None:
    write("train.conll", "\ufeffAnna\tB-PER\r\nran\tO\r\n\r\nOslo\tB-LOC\r\n")
    write("train.en", "\ufeffone\r\ntwo\r and\r\n")
    write("train.zh", "一\r\n二\r\n")
    assert [sentence.tokens for sentence in read_tagged(tmp_path, SET, "train")] == [
        ("Anna", "ran"),
        ("Oslo",),
    ]
    assert read_pairs(tmp_path, SET, "train", ["en", "zh"]) == [
        SegmentPair("one", "一"),
        SegmentPair("two\r and", "二"),
    ]


def test_skip_leaves_training_lines_out(tmp_path: Path, write: Callable[[str, str], None]) -> None:
    for split in ("train", "dev"):
        write(f"{split}.en", "a\nb\nc\nd\n")
        write(f"{split}.zh", "1\n2\n3\n4\n")
    dataset = DataSet("set", "CC0-1.0", skip=(1, 3))
    train = read_pairs(tmp_path, dataset, "train", ["en", "zh"])
    assert [pair.source for pair in train] == ["a", "d"]
    assert len(read_pairs(tmp_path, dataset, "dev", ["en", "zh"])) == 4


MISTAKES = {
    "no tab": ("train.conll", "Anna\tO\nran", "train, line 2"),
    "no label": ("train.conll", "Anna\tB-\n", "train, line 1"),
    "nothing": ("train.conll", "\n\n", "train holds no examples"),
    "no text at all": ("train.jsonl", "", "train holds no examples"),
    "truth is no number": (
        "train.jsonl",
        '{"text": "x", "label": true}',
        "label is true; it must be",
    ),
    "no such tag": ("train.conll", "Anna\tPER\n", "train, line 1"),
    "columns with spaces": ("train.conll", "Anna NNP B-NP B-PER\n", "says how to convert files"),
    "other tags": ("train.conll", "Anna\tS-PER\n", "with a tag O, B-LABEL or I-LABEL"),
    "no json": ("train.jsonl", '{"text": "x", "label": 1}\n{', "train, line 2"),
    "label left out": ("train.jsonl", '{"text": "x"}', "wants either a label or labels"),
    "label twice": ("train.jsonl", '{"text": "x", "label": 1, "labels": [1]}', "either a label"),
    "labels no list": ("train.jsonl", '{"text": "x", "labels": "good"}', "it must be a name, or"),
    "label in a list": ("train.jsonl", '{"text": "x", "labels": [["good"]]}', "it must be a name"),
    "text is a number": ("train.jsonl", '{"text": 1, "label": 1}', "text is no string"),
    "no object": ("train.jsonl", "[1]", "train, line 1"),
}


@pytest.mark.parametrize(("name", "content", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_name_the_line(
    tmp_path: Path, write: Callable[[str, str], None], name: str, content: str, message: str
) -> None:
    write(name, content)
    read = read_tagged if name.endswith("conll") else read_raw
    with pytest.raises(DataError, match=message):
        read(tmp_path, SET, "train")


def test_sides_must_be_equally_long(tmp_path: Path, write: Callable[[str, str], None]) -> None:
    write("dev.en", "a\nb\n")
    write("dev.zh", "1\n")
    with pytest.raises(DataError, match="2 en lines, 1 zh lines"):
        read_pairs(tmp_path, SET, "dev", ["en", "zh"])


def test_pairs_must_not_be_empty(tmp_path: Path, write: Callable[[str, str], None]) -> None:
    write("dev.en", "")
    write("dev.zh", "")
    with pytest.raises(DataError, match="dev holds no examples"):
        read_pairs(tmp_path, SET, "dev", ["en", "zh"])


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dev\.conll.*is the data root right"):
        read_tagged(tmp_path, SET, "dev")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dev.conll.xz").write_bytes(b"not xz")
    with pytest.raises(DataError, match=r"dev\.conll"):
        read_tagged(tmp_path, SET, "dev")
    (tmp_path / "set" / "test.conll").write_bytes(b"\xff\tO\n")
    with pytest.raises(DataError, match=r"test\.conll"):
        read_tagged(tmp_path, SET, "test")
    (tmp_path / "set" / "train.conll").mkdir()
    with pytest.raises(DataError, match=r"train\.conll cannot be read: Is a directory"):
        read_tagged(tmp_path, SET, "train")


NAMES = ["world", "sport", "science"]
LABELLED: dict[str, tuple[str, bool, list[tuple[int, ...]]]] = {
    "names": ('"label": "sport"', False, [(1,)]),
    "places": ('"label": 2', False, [(2,)]),
    "a list of one": ('"labels": ["sport"]', False, [(1,)]),
    "one in a list twice": ('"labels": ["sport", 1]', False, [(1,)]),
    "several": ('"labels": ["science", "world"]', True, [(0, 2)]),
    "none": ('"labels": []', True, [()]),
    "one of several": ('"label": "science"', True, [(2,)]),
}


@pytest.mark.parametrize(("label", "is_multi", "expected"), LABELLED.values(), ids=LABELLED)
def test_labels_are_names_or_places(
    tmp_path: Path,
    write: Callable[[str, str], None],
    label: str,
    is_multi: bool,
    expected: list[tuple[int, ...]],
) -> None:
    write("dev.jsonl", f'{{"text": "a", {label}}}')
    found = read_labelled(tmp_path, SET, "dev", NAMES, is_multi_label=is_multi)
    assert [one.labels for one in found] == expected


WRONG_LABELS = {
    "unknown name": ('"label": "art"', False, "line 1: 'art' is no label.*world, sport, science"),
    "unknown place": ('"label": 3', False, "line 1: 3 is no label"),
    "below zero": ('"label": -1', False, "-1 is no label"),
    "unknown among several": ('"labels": ["sport", "art"]', True, "'art' is no label"),
    "two that exclude each other": ('"labels": [0, 1]', False, "has 2 labels.*multi_label"),
    "none of one": ('"labels": []', False, "has 0 labels.*multi_label"),
}


@pytest.mark.parametrize(("label", "is_multi", "message"), WRONG_LABELS.values(), ids=WRONG_LABELS)
def test_labels_that_do_not_fit_the_model(
    tmp_path: Path, write: Callable[[str, str], None], label: str, is_multi: bool, message: str
) -> None:
    write("dev.jsonl", f'{{"text": "a", {label}}}')
    with pytest.raises(DataError, match=message):
        read_labelled(tmp_path, SET, "dev", NAMES, is_multi_label=is_multi)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"text": "a", "label": 0}', True),
        ('{"text": "a", "labels": []}', True),
        ('{"text": "a"}', False),
        ("{", True),
        ("[]", True),
        ("", True),
    ],
)
def test_files_with_and_without_labels(
    tmp_path: Path, write: Callable[[str, str], None], line: str, expected: bool
) -> None:
    write("dev.jsonl", line)
    assert has_labels(tmp_path, SET, "dev") == expected


def test_a_set_of_entities_is_counted_for_calibration(
    tmp_path: Path, write: Callable[[str, str], None]
) -> None:
    write("dev.conll", "a\tO\n\nb\tO\n")
    assert count_calibration(tmp_path, SET, "ner") == 2
