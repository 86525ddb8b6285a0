from __future__ import annotations

import pytest

from seqserve.text.documents.passages import Markup, Passage, join_pieces, mask, pieces_of
from tests.masking import restored

OPEN, CLOSE, IMAGE = Markup("<b>", "open"), Markup("</b>", "close"), Markup("<img>")
BOLD = Passage("a <b>b</b> c<img>d", ("a ", OPEN, "b", CLOSE, " c", IMAGE, "d"))
INNER = Markup("<i>", "open"), Markup("</i>", "close")
NESTED = Passage("", ("a", OPEN, "b", INNER[0], "c", INNER[1], CLOSE))
TERMS = Passage(
    "", ("the ", Markup("server", target="服务器"), " and ", Markup("log", target="Log"))
)

VALID = {
    "the same order": (BOLD, "A {t1}B{t2} C{t3}D", "A <b>B</b> C<img>D"),
    "another order": (BOLD, "{t3}D {t1}B{t2}", "<img>D <b>B</b>"),
    "more in the pair": (BOLD, "{t1}A B C {t3}{t2}D", "<b>A B C <img></b>D"),
    "nested": (NESTED, "{t1}{t2}C{t3}B{t4}A", "<b><i>C</i>B</b>A"),
    "nested the other way": (NESTED, "A{t2}B{t1}C{t4}D{t3}", "A<i>B<b>C</b>D</i>"),
    "terms": (TERMS, "{t2} and {t1}", "Log and 服务器"),
    "a term in text without spaces": (TERMS, "这个 {t1} 和 {t2} 是", "这个服务器和 Log 是"),
}


@pytest.mark.parametrize(("passage", "translation", "written"), VALID.values(), ids=VALID)
def test_a_translation_with_all_markup(passage: Passage, translation: str, written: str) -> None:
    assert restored(passage, translation) == written


INVALID = {
    "one is missing": (BOLD, "A {t1}B{t2} C D"),
    "all are missing": (BOLD, "A B C D"),
    "one twice": (BOLD, "A {t1}B{t2} C{t3}D{t3}"),
    "unknown": (BOLD, "A {t1}B{t2} C{t3}D ${x9}"),
    "that of another passage": (BOLD, "A {t1}B{t2} C${img4}D"),
    "damaged": (BOLD, "A {t1}B${b 2} C{t3}D"),
    "end before start": (BOLD, "A {t2}B{t1} C{t3}D"),
    "a pair without its text": (BOLD, "A B {t1}{t2} C{t3}D"),
    "crossed pairs": (NESTED, "A{t1}B{t2}C{t4}D{t3}"),
    "a pair that ends in another": (NESTED, "A{t2}B{t1}C{t3}D{t4}"),
    "a lost term": (TERMS, "这个 {t1}"),
}


@pytest.mark.parametrize(("passage", "translation"), INVALID.values(), ids=INVALID)
def test_a_translation_that_lost_markup(passage: Passage, translation: str) -> None:
    assert restored(passage, translation) is None


def test_pieces_are_translated_between_the_markup() -> None:
    assert pieces_of(BOLD) == ["a", "b", "c", "d"]
    assert join_pieces(BOLD, ["A", "B", "C", "D"]) == "A <b>B</b> C<img>D"


def test_pieces_without_a_letter_are_kept() -> None:
    passage = Passage("", ("a ", IMAGE, " 12 ", IMAGE, " b"))
    assert pieces_of(passage) == ["a", "b"]
    assert join_pieces(passage, ["B", "A"]) == "B <img> 12 <img> A"


@pytest.mark.parametrize("text", ["{t1}", "{t9}${x}", "${t${x${tag${part${ref", "${tt${ttt"])
def test_placeholders_of_the_text_are_no_markup(text: str) -> None:
    passage = Passage(f"{text}<img>a", (text, IMAGE, "a"))
    masked = mask(passage)
    assert masked.restore(masked.text + "!") == f"{text}<img>a!"


def test_text_is_escaped_and_markup_is_not() -> None:
    passage = Passage("", ("a", Markup("<i>"), "b"), escape=lambda text: text.replace("<", "&lt;"))
    assert restored(passage, "<{t1}<") == "&lt;<i>&lt;"
