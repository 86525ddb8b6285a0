"""Labels, splits, duplicates and the folder of an imported data set."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.splits import read_shares, split_of
from seqserve.datasets.inventory import find_sets
from seqserve.errors import ConfigError, DataError
from tests.datasets.annotations.imports import Importer, reasons

FORMAT: AnnotationFormat = "doccano"
SHARES = (80.0, 10.0, 10.0)


def texts(*labels: str) -> list[Any]:
    return [{"text": f"Text {i}.", "label": [label]} for i, label in enumerate(labels)]


def spans(*labels: str) -> list[Any]:
    return [{"text": f"Anna{i} left.", "label": [[0, 5, label]]} for i, label in enumerate(labels)]


def test_labels_are_renamed_and_left_out(importer: Importer) -> None:
    importer.run(
        spans("Person", "Place", "Junk"),
        renamed={"Person": "PER", "Place": "PER", "Junk": ""},
        allowed=("PER",),
    )
    assert importer.entities() == [[("Anna0", "PER")], [("Anna1", "PER")], []]
    importer.run(texts("good", "bad"), renamed={"good": "fine", "bad": ""}, is_replaced=True)
    assert importer.texts() == [("Text 0.", ("fine",))]


LABELS: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "not allowed": (
        texts("a", "b", "b"),
        {"allowed": ("a",)},
        "labels that --labels does not name: b (2). Add them, rename them with '--rename b=NAME'",
    ),
    "not there": (
        texts("a"),
        {"renamed": {"x": "y"}},
        "--rename x=y: no annotation has this label; labels: a (1)",
    ),
    "empty": (texts(""), {}, "the label '' is empty"),
    "white space": (spans(" PER"), {}, "the label ' PER' is empty, or has white space"),
    "a tab": (spans("a\tb"), {}, r"the label 'a\tb' is empty, or has white space"),
    "a line break": (texts("a\nb"), {}, "control characters"),
    "outside": (
        spans("PER"),
        {"renamed": {"PER": "O"}},
        "'O' is no label of entities, because that tag stands for tokens outside of them (--rename PER=O): "
        "leave the label out with --rename 'PER=', or rename it to another name",
    ),
    "outside in lower case": (
        spans("PER"),
        {"renamed": {"PER": "o"}},
        "'o' is no label of entities",
    ),
    "outside, of the tool": (
        spans("O"),
        {},
        "'O' is no label of entities, because that tag stands",
    ),
    "a long name that is renamed": (
        spans("PER"),
        {"renamed": {"x" * 10_000: "y"}},
        f"--rename {'x' * 40}...=y: no annotation has this label",
    ),
    "a long new name": (spans("PER"), {"renamed": {"x": "y" * 10_000}}, f"x={'y' * 40}...: no"),
    "a long name": (spans("x" * 10_000 + "\n"), {}, f"the label '{'x' * 40}...' is empty"),
    "a long name that is not allowed": (
        spans("x" * 10_000),
        {"allowed": ("PER",)},
        f"'--rename {'x' * 40}...=NAME'",
    ),
    "many labels": (
        texts(*(f"label-{i}" for i in range(1_000))),
        {"allowed": ("a",)},
        "label-19 (1), and 980 more. Add them",
    ),
}


@pytest.mark.parametrize(("export", "options", "message"), LABELS.values(), ids=LABELS)
def test_faulty_labels(
    importer: Importer, export: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        importer.run(export, **options)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 800


def test_details_are_cut(importer: Importer) -> None:
    imported = importer.run([{"text": "A.", "label": ["x" * 5_000, "y"]}], task="classification")
    assert all(len(line) < 400 for line in imported.report.lines())
    assert any("x" * 200 + "..." in line for line in imported.report.lines())


@pytest.mark.parametrize("label", ["O", "o"])
def test_a_text_may_have_the_label_o(importer: Importer, label: str) -> None:
    importer.run(texts(label, "A"), renamed={"A": "O"})
    assert {labels for _, labels in importer.texts()} == {(label,), ("O",)}


@pytest.mark.parametrize("content", ["[]", " [ ]\n", b"\xef\xbb\xbf[]"])
def test_an_export_without_records(importer: Importer, content: Any) -> None:
    with pytest.raises(
        DataError, match=r"export\.json has no records: label texts in the tool, exp"
    ):
        importer.run(content)


def test_labels_with_spaces_are_labels(importer: Importer) -> None:
    importer.run(spans("Job title"))
    assert importer.entities() == [[("Anna0", "Job title")]]


def test_a_text_is_in_one_split_and_stays_there() -> None:
    """A growing export, other case and other spacing do not move it."""
    annotations = [Annotation("", f"Text number {i}") for i in range(4000)]
    counts = Counter[str](split_of(one, SHARES) for one in annotations)
    for split, share in (("train", 0.8), ("dev", 0.1), ("test", 0.1)):
        assert abs(counts[split] / len(annotations) - share) < 0.02
    for one in annotations[:50]:
        assert split_of(Annotation("", f"  {one.text.upper()}\n"), SHARES) == split_of(one, SHARES)
    together = {split_of(Annotation("", str(i), document="d"), SHARES) for i in range(50)}
    assert len(together) == 1


def test_documents_are_not_divided(importer: Importer) -> None:
    export = [{"text": f"Text {i}.", "label": ["a"], "meta": {"page": 7}} for i in range(40)]
    imported = importer.run(export, shares=(40, 30, 30), document_field="page")
    assert sorted(imported.n_texts.values()) == [0, 0, 40]
    assert sum("has no texts" in reason for reason in reasons(imported)) == 2


@pytest.mark.parametrize(
    "text", ["", "80", "80/20", "80/10/20", "-10/100/10", "a/b/c", "80/10/10/0", "nan/50/50"]
)
def test_faulty_shares(text: str) -> None:
    with pytest.raises(ConfigError, match="percentages of train, dev and test, such as 80/10/10"):
        read_shares(text)


def test_shares() -> None:
    assert read_shares("80/10/10") == (80, 10, 10) and read_shares("100/0/0") == (100, 0, 0)


def test_blank_texts_and_repeats_are_left_out(importer: Importer) -> None:
    export = [
        {"text": text, "label": [label]}
        for text, label in (("A.", "a"), (" \u200b", "b"), ("A.", "c"))
    ]
    imported = importer.run(export)
    assert importer.texts() == [("A.", ("c",))]
    assert reasons(imported) == {
        "without a visible character": 1,
        "of a text with a newer annotation": 1,
    }


def test_a_text_without_a_word(importer: Importer) -> None:
    imported = importer.run([{"text": "<br>", "label": []}, *spans("X")])
    assert reasons(imported) == {"without a word": 1}


def test_later_files_prevail(importer: Importer) -> None:
    first = importer.write(texts("old"), "first.json")
    second = importer.write(texts("new"), "second.json")
    importer.run([], files=[first, second])
    assert importer.texts() == [("Text 0.", ("new",))]


def test_the_inventory_knows_the_set(importer: Importer) -> None:
    imported = importer.run(spans("X", "Y"))
    (found,) = find_sets(importer.folder, hashed=True)
    assert (found.path, found.kind, found.counts, found.faults) == ("out", "ner", {"train": 2}, [])
    assert json.loads(json.dumps(imported.to_mapping()))["labels"] == {"X": 1, "Y": 1}
    meta = json.loads((importer.folder / "out" / "META.json").read_text())
    assert meta["imported"]["format"] == "doccano" and list(meta["imported"]["files"]) == [
        "export.json"
    ]


def test_folders_that_exist(importer: Importer) -> None:
    importer.run(spans("X"))
    with pytest.raises(DataError, match="out exists: name another folder, or add --replace"):
        importer.run(spans("Y"))
    importer.run(spans("Y"), is_replaced=True)
    assert importer.entities() == [[("Anna0", "Y")]]
    (importer.folder / "out" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="out has files that no import wrote"):
        importer.run(spans("X"), is_replaced=True)
    assert sorted(path.name for path in importer.folder.iterdir()) == ["export.json", "out"]


@pytest.mark.parametrize(
    "meta", [None, "{", "[]", "{}", '{"imported": {}}', '{"imported": {}, "files": {}}']
)
def test_other_folders_are_not_replaced(importer: Importer, meta: str | None) -> None:
    out = importer.folder / "out"
    out.mkdir()
    (out / "train.conll").write_text("mine\tO\n")
    if meta is not None:
        (out / "META.json").write_text(meta)
    with pytest.raises(DataError, match="has files that no import wrote"):
        importer.run(spans("X"), is_replaced=True)
    assert (out / "train.conll").read_text() == "mine\tO\n"


def test_a_folder_that_cannot_be_written(importer: Importer) -> None:
    Path(importer.folder, "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        importer.run(spans("X"), out=importer.folder / "file" / "out")
