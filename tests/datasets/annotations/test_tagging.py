"""Entities of running texts as tags of the tokens and sentences of serving."""

from __future__ import annotations

import random

import pytest

from seqserve.datasets.annotations.documents import Annotation, CharSpan
from seqserve.datasets.annotations.report import Report
from seqserve.datasets.annotations.tagging import tag_text
from seqserve.text.tagging import WordTokenEncoder, WordTokenEncoderConfig
from seqserve.text.tags import spans_of
from seqserve.text.vocabulary import Vocabulary


def tag(text: str, *said: tuple[str, str], language: str = "en") -> tuple[list[str], Report]:
    """Tag the first occurrence of each part of a text; return `token/tag` of the sentences."""
    spans = [
        CharSpan(text.index(part), text.index(part) + len(part), label) for part, label in said
    ]
    report = Report()
    found = tag_text(Annotation("line 1", text, "spans", tuple(spans)), language, report)
    shown = [
        " ".join(f"{token}/{tag}" for token, tag in zip(s.tokens, s.tags, strict=True))
        for s in found
    ]
    return shown, report


TEXTS: dict[str, tuple[str, list[tuple[str, str]], list[str], list[str]]] = {
    "two sentences": (
        "Anna left. Bo came.",
        [("Anna", "P"), ("Bo", "P")],
        ["Anna/B-P left/O ./O", "Bo/B-P came/O ./O"],
        [],
    ),
    "entities side by side": ("Anna Bo", [("Anna", "P"), ("Bo", "P")], ["Anna/B-P Bo/B-P"], []),
    "white space at the edges": (
        "In New York now",
        [(" New York ", "L")],
        ["In/O New/B-L York/I-L now/O"],
        [],
    ),
    "a part of a token": (
        "A New York-based firm",
        [("New York", "L")],
        ["A/O New/B-L York-based/I-L firm/O"],
        ["changed: entities widened to whole tokens: 1 (line 1: 'New York' → 'New York-based')"],
    ),
    "inside of a token": (
        "unhappy",
        [("happy", "X")],
        ["unhappy/B-X"],
        ["changed: entities widened to whole tokens: 1 (line 1: 'happy' → 'unhappy')"],
    ),
    "two parts of a token": (
        "AnnaBo left",
        [("Anna", "P"), ("Bo", "P")],
        ["AnnaBo/B-P left/O"],
        [
            "entities left out: that overlap a longer one: 1 (line 1: 'Bo')",
            "changed: entities widened to whole tokens: 1 (line 1: 'Anna' → 'AnnaBo')",
        ],
    ),
    "nested": (
        "University of Oslo is old",
        [("Oslo", "L"), ("University of Oslo", "O")],
        ["University/B-O of/I-O Oslo/I-O is/O old/O"],
        ["entities left out: that overlap a longer one: 1 (line 1: 'Oslo')"],
    ),
    "the same span twice": (
        "Anna left",
        [("Anna", "P"), ("Anna", "Q")],
        ["Anna/B-P left/O"],
        ["entities left out: that overlap a longer one: 1 (line 1: 'Anna')"],
    ),
    "no word": (
        "Anna  left",
        [("  ", "P")],
        ["Anna/O left/O"],
        ["entities left out: without a word: 1 (line 1: '  ')"],
    ),
    "over a sentence's end": (
        "We like Yahoo! News. It is big.",
        [("Yahoo! News", "O")],
        ["We/O like/O Yahoo/B-O !/I-O News/I-O ./O", "It/O is/O big/O ./O"],
        [],
    ),
    "over sentences": (
        "See it. Or not. Bye.",
        [("it. Or not", "X")],
        ["See/O it/B-X ./I-X Or/I-X not/I-X ./O", "Bye/O ./O"],
        [
            "changed: sentence boundaries removed, because an entity goes over them: 1 (line 1)",
        ],
    ),
    "over lines": (
        "New\nYork\n\nfine",
        [("New\nYork", "L")],
        ["New/B-L York/I-L", "fine/O"],
        ["changed: sentence boundaries removed, because an entity goes over them: 1 (line 1)"],
    ),
    "markup": (
        "<b>Anna</b> left&nbsp;Rome",
        [("Anna", "P"), ("Rome", "L")],
        ["Anna/B-P left/O Rome/B-L"],
        [],
    ),
    "an emoji": ("👨\u200d👩\u200d👧 Anna", [("Anna", "P")], ["👨\u200d👩\u200d👧/O Anna/B-P"], []),
}


@pytest.mark.parametrize(("text", "said", "sentences", "told"), TEXTS.values(), ids=TEXTS)
def test_texts(
    text: str, said: list[tuple[str, str]], sentences: list[str], told: list[str]
) -> None:
    found, report = tag(text, *said)
    assert (found, list(report.lines())) == (sentences, told)


def test_chinese_tokens_are_characters() -> None:
    found, _ = tag("安娜来了。她走了。", ("安娜", "P"), language="zh")
    assert found == ["安/B-P 娜/I-P 来/O 了/O 。/O", "她/O 走/O 了/O 。/O"]


def test_tokens_and_sentences_are_those_of_serving() -> None:
    encoder = WordTokenEncoder(WordTokenEncoderConfig(), ["X"], Vocabulary([]), Vocabulary([]))
    text = "Dr. Ann's <i>e-mail</i>: don't go!\r\nRow\tcell; 10,000 ½ ﬁne… \u00ad“q” *so* `x`. End."
    served = [
        tuple(token.text.replace("\u2060", "") for token in row.tokens)
        for row in encoder.rows(text)
    ]
    found = tag_text(Annotation("", text), "en", Report())
    assert [sentence.tokens for sentence in found] == served


def test_entities_of_whole_tokens_survive() -> None:
    """Random entities, none of which overlap, come back as they were."""
    rng = random.Random(7)
    words = ["Anna", "left", "York", "in", "e-mail", "10.5", "the", "café"]
    for _ in range(200):
        tokens = rng.choices(words, k=rng.randint(1, 12))
        edges = sorted(rng.sample(range(len(tokens) + 1), k=min(len(tokens) + 1, 4)))
        starts = [len(" ".join(tokens[:i])) + (i > 0) for i in range(len(tokens))]
        text = " ".join(tokens)
        pairs = list(zip(edges[::2], edges[1::2], strict=False))
        spans = tuple(
            CharSpan(starts[a], starts[b - 1] + len(tokens[b - 1]), "X") for a, b in pairs
        )
        report = Report()
        (sentence,) = tag_text(Annotation("", text, "spans", spans), "en", report)
        assert [(span.start, span.end) for span in spans_of(sentence.tags)] == pairs
        assert list(report.lines()) == []
