"""Data of spaCy: documents, pairs, training JSON; DocBin with a stand-in for spaCy."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from seqserve.choices import AnnotationFormat
from seqserve.errors import DataError
from tests.datasets.annotations.imports import Importer, reasons

FORMAT: AnnotationFormat = "spacy"
DOC = {
    "text": "Anna left.",
    "ents": [{"start": 0, "end": 4, "label": "PER"}],
    "tokens": [{"id": 0, "start": 0, "end": 4}],
}
PAIR = ["Anna left.", {"entities": [[0, 4, "PER"]]}]
TOKENS = [
    {"id": 0, "orth": "Anna", "tag": "NNP", "ner": "B-PER"},
    {"id": 1, "orth": "Mendez", "tag": "NNP", "ner": "L-PER"},
    {"id": 2, "orth": "left", "tag": "VBD", "ner": "O"},
    {"id": 3, "orth": "Rome", "tag": "NNP", "ner": "U-LOC"},
]
ENTITIES: dict[str, Any] = {
    "a document": DOC,
    "documents": [DOC],
    "lines of documents": f"{json.dumps(DOC)}\n{json.dumps({'text': 'Fine.'})}\n",
    "a pair": PAIR,
    "pairs": [PAIR],
    "lines of pairs": f"{json.dumps(PAIR)}\n{json.dumps(['Fine.', {}])}\n",
    "pairs of an annotator": {"classes": ["PER"], "annotations": [PAIR, None]},
}


@pytest.mark.parametrize("export", ENTITIES.values(), ids=ENTITIES)
def test_entities(importer: Importer, export: Any) -> None:
    importer.run(export)
    assert importer.entities()[0] == [("Anna", "PER")]


def test_training_json(importer: Importer) -> None:
    unknown = [{**TOKENS[0], "ner": "-"}]
    paragraphs = [{"sentences": [{"tokens": TOKENS}]}, {"sentences": [{"tokens": unknown}]}]
    imported = importer.run([{"id": 0, "paragraphs": paragraphs}])
    assert importer.entities() == [[("Anna Mendez", "PER"), ("Rome", "LOC")]]
    assert reasons(imported) == {"with tokens whose tag is unknown (-)": 1}


PARAGRAPHS: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "U alone": (["U-PER", "O", "U-LOC"], [("a", "PER"), ("c", "LOC")]),
    "U without O": (["U-PER", "U-LOC", "U-LOC"], [("a", "PER"), ("b", "LOC"), ("c", "LOC")]),
    "B and L": (["B-PER", "L-PER", "O"], [("a b", "PER")]),
    "I alone": (["O", "I-PER", "I-PER"], [("b c", "PER")]),
    "L alone": (["O", "O", "L-PER"], [("c", "PER")]),
    "a label with hyphens": (["U-E-mail", "O", "O"], [("a", "E-mail")]),
    "O alone": (["O", "O", "O"], []),
}


@pytest.mark.parametrize(("tags", "expected"), PARAGRAPHS.values(), ids=PARAGRAPHS)
def test_tags_of_training_json_are_biluo(
    importer: Importer, tags: list[str], expected: list[Any]
) -> None:
    """Whatever tags a paragraph has."""
    tokens = [{"orth": word, "ner": tag} for word, tag in zip("abc", tags, strict=True)]
    importer.run([{"paragraphs": [{"sentences": [{"tokens": tokens}]}]}])
    assert importer.entities() == [expected]


def test_tokens_without_a_visible_character(importer: Importer) -> None:
    tokens = [{"orth": "a", "ner": "O"}, {"orth": "\u200b", "ner": "U-X"}]
    imported = importer.run([{"paragraphs": [{"sentences": [{"tokens": tokens}]}]}])
    assert importer.sentences() == [[("a", "O")]]
    assert reasons(imported) == {
        "without a word": 1,
        "tokens without a visible character removed": 1,
    }


def test_categories(importer: Importer) -> None:
    export = [
        {"text": "A.", "cats": {"good": 1.0, "bad": 0.0}},
        ["B.", {"cats": {"good": False, "bad": True}}],
        {"text": "C.", "cats": [{"label": "bad", "value": 1}, {"label": "good", "value": 0}]},
    ]
    importer.run(export)
    assert importer.texts() == [("A.", ("good",)), ("B.", ("bad",)), ("C.", ("bad",))]


def test_doc_bin_without_spacy(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(DataError, match=r"is a DocBin, .* python -c .*export\.jsonl"):
        importer.run(b"DocBin", name="export.spacy")


class FakeDocBin:
    """Holds one document; refuses files that do not begin as it writes them."""

    def from_disk(self, path: Path) -> FakeDocBin:
        if path.read_bytes() != b"DocBin":
            raise ValueError("no DocBin data")
        return self

    def get_docs(self, vocabulary: object) -> list[Any]:
        return [SimpleNamespace(to_json=lambda: DOC)]


def test_doc_bin_with_spacy(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    spacy, tokens = ModuleType("spacy"), ModuleType("spacy.tokens")
    monkeypatch.setattr(spacy, "blank", lambda _: SimpleNamespace(vocab=None), raising=False)
    monkeypatch.setattr(tokens, "DocBin", FakeDocBin, raising=False)
    monkeypatch.setitem(sys.modules, "spacy", spacy)
    monkeypatch.setitem(sys.modules, "spacy.tokens", tokens)
    with pytest.raises(DataError, match="cannot be read as a DocBin: no DocBin data"):
        importer.run(b"other", name="export.spacy")
    importer.run(b"DocBin", name="export.spacy")
    assert importer.entities() == [[("Anna", "PER")]]


FAULTS: dict[str, tuple[Any, str]] = {
    "no text": ({"ents": []}, "record 1: text is missing"),
    "three in a pair": ([["A", {}, 3]], "the record is a list; expected an object, or a list"),
    "a pair of texts": ([["A", "B"]], "expected an object, or a list of text and object"),
    "an entity of two": (["A", {"entities": [[0, 1]]}], "entities[0] is a list; expected [start"),
    "an entity of strings": (["A", {"entities": [["0", "1", "X"]]}], "start is a string"),
    "a document's entity": ({"text": "A", "ents": [3]}, "ents[0] is a number"),
    "no label": ({"text": "A", "ents": [{"start": 0, "end": 1}]}, "ents[0].label is missing"),
    "a category that is a string": ({"text": "A", "cats": {"x": "1"}}, "cats.x is a string"),
    "categories that are a string": ({"text": "A", "cats": "x"}, "cats is a string"),
    "tokens without tags": (
        {"paragraphs": [{"sentences": [{"tokens": [{"orth": "A"}]}]}]},
        "sentences[0].tokens[0].ner is missing",
    ),
    "a tag without a prefix": (
        {"paragraphs": [{"sentences": [{"tokens": [*TOKENS, {"orth": "A", "ner": "PER"}]}]}]},
        "sentences[0].tokens[4]: the tag 'PER' is none of BILUO",
    ),
    **{
        f"the tag {tag[:9]!r}": (
            {"paragraphs": [{"sentences": [{"tokens": [{"orth": "A", "ner": tag}]}]}]},
            "is none of BILUO: use O, -, B-PER, I-PER, L-PER, U-PER",
        )
        for tag in ("", "U-", "S-PER", "E-PER", "u-PER", "U_PER", "PER-U", "x" * 10_000)
    },
}


@pytest.mark.parametrize(("export", "message"), FAULTS.values(), ids=FAULTS)
def test_faults(importer: Importer, export: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        importer.run(export)
    assert message in str(caught.value)
