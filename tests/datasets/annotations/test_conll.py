"""Columns in the manner of CoNLL."""

from __future__ import annotations

from typing import Any

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.errors import DataError
from tests.datasets.annotations.imports import Importer, reasons

FORMAT: AnnotationFormat = "conll"
WORDS = ["Anna", "Mendez", "Bo", "left", "New", "York", "in", "May"]
ENTITIES = [("Anna Mendez", "PER"), ("Bo", "PER"), ("New York", "LOC"), ("May", "X")]
SCHEMES = {
    "BIO2": "B-PER I-PER B-PER O B-LOC I-LOC O B-X",
    "IOB1": "I-PER I-PER B-PER O I-LOC I-LOC O I-X",
    "BIOES": "B-PER E-PER S-PER O B-LOC E-LOC O S-X",
    "BILOU": "B-PER L-PER U-PER O B-LOC L-LOC O U-X",
    "underscores": "B_PER I_PER B_PER O B_LOC I_LOC O B_X",
    "BMES": "B-PER E-PER S-PER O B-LOC E-LOC O S-X",
    "suffixes": "PER-B PER-I PER-B O LOC-B LOC-I O X-B",
}


def rows(tags: str, separator: str = " ") -> str:
    return "\n".join(separator.join(row) for row in zip(WORDS, tags.split(), strict=True)) + "\n"


@pytest.mark.parametrize("tags", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("separator", [" ", "   ", "\t"], ids=["space", "spaces", "tab"])
def test_schemes(importer: Importer, tags: str, separator: str) -> None:
    importer.run(rows(tags, separator))
    assert importer.entities() == [ENTITIES]


def test_tags_without_prefixes(importer: Importer) -> None:
    importer.run(rows("PER PER PER O LOC LOC O X"))
    assert importer.entities() == [[("Anna Mendez Bo", "PER"), *ENTITIES[2:]]]


PARTS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "U": ("U-A O U-B", [("a", "A"), ("c", "B")]),
    "S": ("S-A O S-B", [("a", "A"), ("c", "B")]),
    "W": ("W-A O W-B", [("a", "A"), ("c", "B")]),
    "B": ("B-A O B-B", [("a", "A"), ("c", "B")]),
    "I": ("I-A O I-B", [("a", "A"), ("c", "B")]),
    "underscores": ("U_A O U_B", [("a", "A"), ("c", "B")]),
    "a single label": ("O O S-Corp", [("c", "Corp")]),
    "U and L": ("O U-A L-B", [("b", "A"), ("c", "B")]),
    "E and S": ("E-A O S-B", [("a", "A"), ("c", "B")]),
    "labels that begin with a letter": ("O E-mail E-mail", [("b c", "E-mail")]),
    "labels of no scheme": ("U-Bahn O S-Bahn", [("a", "U-Bahn"), ("c", "S-Bahn")]),
    "beside a label without": ("U-Boat O Ship", [("a", "U-Boat"), ("c", "Ship")]),
    "lower case": ("s-corp O s-corp", [("a", "s-corp"), ("c", "s-corp")]),
}


@pytest.mark.parametrize(("tags", "expected"), PARTS.values(), ids=PARTS)
def test_a_part_of_a_scheme(importer: Importer, tags: str, expected: list[Any]) -> None:
    """What was read as a label although it looks like a prefix is told."""
    imported = importer.run("".join(f"{w} {t}\n" for w, t in zip("abc", tags.split(), strict=True)))
    assert importer.entities() == [expected]
    looks_prefixed = any(label[1:2] == "-" for _, label in expected)
    assert any("look like ones" in reason for reason in reasons(imported)) == looks_prefixed


def test_the_files_of_an_export_have_one_scheme(importer: Importer) -> None:
    parts = {"one": "Anna B-PER\nMendez L-PER\nleft O\n", "two": "Rome L-X\n"}
    files = [importer.write(content, f"{name}.conll") for name, content in parts.items()]
    importer.run("", files=files)
    assert importer.entities() == [[("Anna Mendez", "PER")], [("Rome", "X")]]


def test_tokens_without_a_visible_character(importer: Importer) -> None:
    rows = "Anna B-PER\n\u200b O\n\u200b\u200d B-X\nleft O\n\n\u2060 B-Y\n\n\u034f O\n. O\n"
    imported = importer.run(f"-DOCSTART- O\n\n{rows}")
    assert importer.sentences() == [[("Anna", "B-PER"), ("left", "O")], [(".", "O")]]
    assert imported.n_examples["train"] == 2
    assert reasons(imported) == {
        "without a word": 2,
        "tokens without a visible character removed": 4,
    }


FILES: dict[str, tuple[str, dict[str, Any], list[Any]]] = {
    "CoNLL-2003": (
        "-DOCSTART- -X- -X- O\n\nAnna NNP I-NP I-PER\n. . O O\n\nBo NNP I-NP I-PER\n",
        {},
        [[("Anna", "PER")], [("Bo", "PER")]],
    ),
    "Label Studio": (
        "-DOCSTART- -X- O\nAnna -X- _ B-PER\nleft -X- _ O\n\n",
        {},
        [[("Anna", "PER")]],
    ),
    "numbers, comments and further columns": (
        "# newdoc id = 1\n# text = Anna left\n1\tAnna\tB-PER\t-\tx\n2\tleft\tO\t-\tx\n\n",
        {"columns": (2, 3)},
        [[("Anna", "PER")]],
    ),
    "comments between spaces": (
        "# sent_id = 1\nAnna NNP NP B-PER\n. . O O\n",
        {},
        [[("Anna", "PER")]],
    ),
    "a token that is #": ("# NN NP O\n1 CD NP B-N\n", {}, [[("1", "N")]]),
    "Windows": (
        "\ufeffAnna B-PER\r\nleft O\r\n\r\n\r\nBo B-PER\r\n",
        {},
        [[("Anna", "PER")], [("Bo", "PER")]],
    ),
    "white space between sentences": (
        "Anna\tB-PER\nleft\tO\n \t \nBo\tB-PER\n",
        {},
        [[("Anna", "PER")], [("Bo", "PER")]],
    ),
    "a token that serving cuts": ("Anna's B-PER\nleft O\n", {}, [[("Anna 's", "PER")]]),
    "the same sentence twice": ("Anna B-X\n. O\n\nAnna B-X\n. O\n", {}, [[("Anna", "X")]] * 2),
    "the tag first": ("B-PER Anna\nO left\n", {"columns": (2, 1)}, [[("Anna", "PER")]]),
}


@pytest.mark.parametrize(("export", "options", "expected"), FILES.values(), ids=FILES)
def test_files(importer: Importer, export: str, options: Any, expected: list[Any]) -> None:
    importer.run(export, **options)
    assert importer.entities() == expected


def test_documents_are_not_divided(importer: Importer) -> None:
    sentences = "".join(f"Anna{i} B-PER\nleft O\n\n" for i in range(300))
    imported = importer.run(f"-DOCSTART- O\n\n{sentences}", shares=(40, 30, 30))
    assert sorted(imported.n_texts.values()) == [0, 0, 1]
    imported = importer.run(sentences, shares=(40, 30, 30), is_replaced=True)
    assert all(n > 50 for n in imported.n_texts.values()) and sum(imported.n_texts.values()) == 300
    assert "sentences are divided one by one" in next(iter(reasons(imported)))


FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "empty": ("", {}, "has no tokens"),
    "comments alone": ("# a\n# b\n", {}, "has no tokens"),
    "one column": ("Anna O\nleft\n", {}, "line 2: has 1 columns; expected are a token and a tag"),
    "too few columns": ("Anna O\n", {"columns": (1, 4)}, "line 1: has 2 columns"),
    "no tag": ("Anna\tO\nleft\t\n", {}, "line 2: has 2 columns"),
    "no token": ("Anna\tO\n\tO\n", {}, "line 2: has 2 columns"),
    "the wrong column": (
        "Anna NNP B-PER\nleft VBD O\n",
        {"columns": (1, 2)},
        "line 1: no tag of the export is O; is this the column of the tags (--columns)? Found: NNP, VBD",
    ),
    "a tag without a prefix": (
        "Anna B-PER\nleft O\nBo PER\n",
        {},
        "line 3: the tag 'PER' has no prefix",
    ),
    "a tag without a label": ("Anna B-PER\nleft O\nBo I-\n", {}, "has no label"),
    "another task": ("Anna O\n", {"task": "sentiment"}, "has the labels of ner, and --task is"),
}


@pytest.mark.parametrize(("export", "options", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(importer: Importer, export: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        importer.run(export, **options)
    assert message in str(caught.value)
