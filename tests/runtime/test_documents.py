"""Documents and glossaries on a translator of plain texts that is a rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.choices import OffsetUnit, TextFormat
from seqserve.records import (
    Alternative,
    Span,
    TranslatedSegment,
    TranslationItem,
    TranslationResult,
)
from seqserve.runtime.documents import DocumentTranslator

PLACEHOLDER = re.compile(r"\$\{\w+\}")
PLACEHOLDER_OR_TEXT = re.compile(rf"({PLACEHOLDER.pattern})|.", re.DOTALL)


def upper(text: str) -> str:
    """Return a text in capitals, except its placeholders."""
    return PLACEHOLDER_OR_TEXT.sub(lambda match: match.group(1) or match.group().upper(), text)


class Rule:
    """Translates by a rule; the second best translation has a mark behind it. Notes what it is asked."""

    def __init__(self, rule: Callable[[str], str] = upper) -> None:
        self.rule = rule
        self.asked: list[list[TranslationItem]] = []

    def __call__(self, items: Sequence[TranslationItem]) -> list[TranslationResult]:
        self.asked.append(list(items))
        return [self.answer(item) for item in items]

    def answer(self, item: TranslationItem) -> TranslationResult:
        text = self.rule(item.text)
        others = tuple(
            Alternative(f"{text}{rank}", -1.0 - rank) for rank in range(item.alternatives)
        )
        whole = Span(0, len(item.text)), Span(0, len(text))
        segments = (TranslatedSegment(*whole, -0.5, ()),) if item.segments else ()
        warnings = ("repetition",) if "twice" in item.text else ()
        return TranslationResult(text, -0.5, warnings, others, segments, len(item.text.split()))


def run(
    item: TranslationItem, rule: Callable[[str], str] = upper
) -> tuple[TranslationResult, Rule]:
    model = Rule(rule)
    (result,) = DocumentTranslator(model, "en").predict([item])
    return result, model


def texts(model: Rule) -> list[list[str]]:
    """Return what the model was asked, with placeholders as `{t1}` …"""
    numbered = re.compile(r"\$\{[a-z]+(\d+)\}")
    return [[numbered.sub(r"{t\1}", item.text) for item in items] for items in model.asked]


def test_plain_texts_are_not_touched() -> None:
    model = Rule()
    items = [TranslationItem("a <b>"), TranslationItem("# b", alternatives=1)]
    results = DocumentTranslator(model, "en").predict(items)
    assert [result.text for result in results] == ["A <B>", "# B"]
    assert model.asked[0][0] is items[0]


def test_passages_of_all_texts_are_one_batch() -> None:
    items = [
        TranslationItem("<p>a <b>b</b> c</p><p>d</p>", format="html", beam_size=2),
        TranslationItem("plain"),
        TranslationItem("# e\n\n`code`\n", format="markdown"),
    ]
    model = Rule()
    results = DocumentTranslator(model, "en").predict(items)
    assert [one.text for one in results] == [
        "<p>A <b>B</b> C</p><p>D</p>",
        "PLAIN",
        "# E\n\n`code`\n",
    ]
    assert texts(model) == [["plain", "a {t1}b{t2} c", "d", "e"]]
    assert model.asked[0][0] is items[1]
    assert model.asked[0][1] == TranslationItem("a ${b1}b${b2} c", beam_size=2)


LOSSES: dict[str, Callable[[str], str]] = {
    "lost": lambda text: PLACEHOLDER.sub("", text).upper(),
    "twice": lambda text: upper(text) + " ".join(PLACEHOLDER.findall(text)),
    "crossed": lambda text: upper(" ".join([*PLACEHOLDER.findall(text)[::-1], PLACEHOLDER.sub("", text)])),
    "unknown": lambda text: upper(text) + (" ${x7}" if "{" in text else ""),
    "emptied": lambda text: upper(PLACEHOLDER.sub("", text) + "".join(PLACEHOLDER.findall(text))),
}  # fmt: skip


@pytest.mark.parametrize("rule", LOSSES.values(), ids=LOSSES)
def test_what_lost_markup_is_translated_in_pieces(rule: Callable[[str], str]) -> None:
    text = "<p>one <b>two</b> three</p><p>four</p>"
    result, model = run(TranslationItem(text, format="html"), rule)
    assert result.text == "<p>ONE <b>TWO</b> THREE</p><p>FOUR</p>"
    assert texts(model) == [["one {t1}two{t2} three", "four"], ["one", "two", "three"]]
    assert result.n_tokens == 4


def test_terms_have_their_targets() -> None:
    item = TranslationItem("The servers log.", glossary={"server": "Dienst", "log": "Buch"})
    result, model = run(item)
    assert texts(model) == [["The {t1} {t2}."]]
    assert (result.text, result.warnings) == ("THE Dienst Buch.", ())


def test_what_is_not_to_be_translated_is_copied() -> None:
    text = "Acme Go makes go, acme and Acme."
    result, model = run(TranslationItem(text, do_not_translate=["Acme", "Acme Go"]))
    assert result.text == "Acme Go MAKES GO, ACME AND Acme."
    lost, _ = run(TranslationItem(text, do_not_translate=["Acme", "Acme Go"]), LOSSES["lost"])
    assert lost.text == result.text
    assert len(model.asked) == 1


def test_a_lost_term_is_translated_without_the_glossary_and_warned_about() -> None:
    item = TranslationItem("The server is up. Twice the server.", glossary={"server": "Dienst"})
    result, model = run(item, LOSSES["lost"])
    assert result.text == "THE SERVER IS UP. TWICE THE SERVER."
    assert result.warnings == ("glossary_missed",)
    assert texts(model)[1] == [item.text]


def test_a_term_that_the_translator_knows_is_not_missed() -> None:
    item = TranslationItem("The server is up.", glossary={"server": "SERVER"})
    assert run(item, LOSSES["lost"])[0].warnings == ()


def test_a_text_of_terms_alone_needs_no_model() -> None:
    result, model = run(TranslationItem("Servers", glossary={"server": "Dienst"}, alternatives=1))
    assert (result.text, result.score, result.alternatives, result.n_tokens) == (
        "Dienst",
        0.0,
        (),
        0,
    )
    assert not any(map(len, model.asked))


def test_terms_in_documents_are_escaped_and_not_found_in_markup() -> None:
    text = '<p title="server">a server &amp; <code>server</code> b <a href="server">server</a></p>'
    result, _ = run(TranslationItem(text, format="html", glossary={"server": "D<n>"}))
    assert result.text == (
        '<p title="server">A D&lt;n&gt; &amp; <code>server</code> B <a href="server">D&lt;n&gt;</a></p>'
    )
    assert result.warnings == ()


def test_alternatives_keep_the_document() -> None:
    text = "<p>one <b>two</b> three</p><p>four</p>"
    result, _ = run(TranslationItem(text, format="html", alternatives=2))
    assert [one.text for one in result.alternatives] == [
        "<p>ONE <b>TWO</b> THREE0</p><p>FOUR0</p>",
        "<p>ONE <b>TWO</b> THREE1</p><p>FOUR1</p>",
    ]
    assert [one.score for one in result.alternatives] == [-1.0, -2.0]
    assert result.score == -0.5


def test_an_alternative_that_lost_markup_is_the_best_translation() -> None:
    class Careless(Rule):
        def answer(self, item: TranslationItem) -> TranslationResult:
            best = super().answer(item)
            return TranslationResult(best.text, -0.5, (), (Alternative("X", -1.0),), (), 1)

    item = TranslationItem("<p>a <b>b</b></p><p>c</p>", format="html", alternatives=1)
    (result,) = DocumentTranslator(Careless(), "en").predict([item])
    assert [one.text for one in result.alternatives] == ["<p>A <b>B</b></p><p>X</p>"]


def test_warnings_of_all_passages_are_those_of_the_text() -> None:
    result, _ = run(TranslationItem("<p>one</p><p>twice</p>", format="html"))
    assert result.warnings == ("repetition",)


@pytest.mark.parametrize(("unit", "scale"), [("codepoint", 1), ("utf16", 2), ("byte", 4)])
def test_segments_have_places_in_the_document(unit: OffsetUnit, scale: int) -> None:
    text = "😀<p>one</p><p>a <b>b</b></p>"
    item = TranslationItem(text, format="html", segments=True, offset_unit=unit)
    result, _ = run(item)
    more = scale - 1  # units of the emoji besides the first
    places = [Span(4 + more, 7 + more), Span(14 + more, 24 + more)]
    assert [one.source for one in result.segments] == places
    assert [one.target for one in result.segments] == places


WORDS = [
    "one",
    "two ",
    "<b>",
    "</b>",
    "**",
    "`",
    "\n",
    "\n\n",
    "# ",
    "> ",
    "&amp;",
    "<p>",
    "server",
    " ",
]


@given(
    st.sampled_from(["text", "html", "markdown"]),
    st.lists(st.sampled_from(WORDS), max_size=20).map("".join),
)
def test_an_identical_translation_changes_no_byte(format: TextFormat, text: str) -> None:
    assert run(TranslationItem(text, format=format, do_not_translate=["x"]), str)[0].text == text


@given(
    st.lists(st.sampled_from(WORDS), max_size=20).map("".join),
    st.sampled_from(list(LOSSES)),
)
def test_tags_survive_any_translation(text: str, loss: str) -> None:
    def tags(document: str) -> list[str]:
        return sorted(re.findall(r"</?[bp]>", document))

    result, _ = run(TranslationItem(text, format="html"), LOSSES[loss])
    assert tags(result.text) == tags(text)
