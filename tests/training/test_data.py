from __future__ import annotations

import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from seqserve.errors import DataError
from seqserve.training.data import (
    THREE_CLASSES,
    LabelledText,
    SegmentPair,
    TaggedSentence,
    count_calibration,
    count_examples,
    read_labelled,
    read_pairs,
    read_tagged,
)
from seqserve.training.recipe import DataSet

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
    assert read_labelled(tmp_path, SET, "train") == [LabelledText("good\u2028film", 1)]
    pairs = read_pairs(tmp_path, SET, "train", ["en", "zh"])
    assert pairs == [
        SegmentPair("one", "一"),
        SegmentPair("", ""),
        SegmentPair("two\u2028three", "二"),
    ]
    assert [
        count_examples(tmp_path, SET, "train", task, ["en", "zh"])
        for task in ("ner", "sentiment", "translation")
    ] == [2, 1, 3]


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
    "truth is no number": ("train.jsonl", '{"text": "x", "label": true}', "integer label"),
    "no such tag": ("train.conll", "Anna\tPER\n", "train, line 1"),
    "columns with spaces": ("train.conll", "Anna NNP B-NP B-PER\n", "says how to convert files"),
    "other tags": ("train.conll", "Anna\tS-PER\n", "with a tag O, B-LABEL or I-LABEL"),
    "no json": ("train.jsonl", '{"text": "x", "label": 1}\n{', "train, line 2"),
    "label left out": ("train.jsonl", '{"text": "x"}', "label"),
    "label is a word": ("train.jsonl", '{"text": "x", "label": "good"}', "0 for the first"),
    "no object": ("train.jsonl", "[1]", "train, line 1"),
}


@pytest.mark.parametrize(("name", "content", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_name_the_line(
    tmp_path: Path, write: Callable[[str, str], None], name: str, content: str, message: str
) -> None:
    write(name, content)
    read = read_tagged if name.endswith("conll") else read_labelled
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


THREE = {
    "numbers": ('{"text": "a", "label": 1}', [2]),
    "a name": ('{"text": "a", "label": "neutral"}\n{"text": "b", "label": 0}', [1, 0]),
}


@pytest.mark.parametrize(("content", "labels"), THREE.values(), ids=THREE)
def test_labels_of_three_classes(
    tmp_path: Path, write: Callable[[str, str], None], content: str, labels: list[int]
) -> None:
    write("dev.jsonl", content)
    assert [one.label for one in read_labelled(tmp_path, SET, "dev", THREE_CLASSES)] == labels
    assert count_calibration(tmp_path, SET, "sentiment") == len(labels)


@pytest.mark.parametrize("label", ['"mixed"', "2", "true", "null", "[1]"])
def test_another_label_than_the_three_is_refused(
    tmp_path: Path, write: Callable[[str, str], None], label: str
) -> None:
    write("dev.jsonl", f'{{"text": "a", "label": {label}}}')
    with pytest.raises(DataError, match=r"line 1: .* integer label or one of 0, neutral, 1"):
        read_labelled(tmp_path, SET, "dev", THREE_CLASSES)


def test_a_set_of_entities_is_counted_for_calibration(
    tmp_path: Path, write: Callable[[str, str], None]
) -> None:
    write("dev.conll", "a\tO\n\nb\tO\n")
    assert count_calibration(tmp_path, SET, "ner") == 2
