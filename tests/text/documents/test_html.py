from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.documents.html import read_html
from seqserve.text.documents.passages import Passage, mask, source_of
from tests.masking import restored, shown
from tests.timing import grows_linearly


def texts_of(document: str) -> list[str]:
    """Return the texts of the passages, with placeholders."""
    return [shown(mask(part)) for part in read_html(document) if isinstance(part, Passage)]


PASSAGES = {
    "paragraphs": ("<p>One.</p><p>Two.</p>", ["One.", "Two."]),
    "no end tags": ("<p>One<p>Two<li>Three", ["One", "Two", "Three"]),
    "line break": ("One<br>two<br/>three", ["One", "two", "three"]),
    "table": ("<table><tr><td>a<td>b</tr></table>", ["a", "b"]),
    "title and button": ("<title>a</title><button>b</button>", ["a", "b"]),
    "inline": ("<p>Click <b>here</b> now</p>", ["Click {t1}here{t2} now"]),
    "nested": ("a <b>b <i>c</i></b> d", ["a {t1}b {t2}c{t3}{t4} d"]),
    "link": ('See <a href="x?a=1&b=2">this</a>.', ["See {t1}this{t2}."]),
    "image": ('a <img src=x alt="y > z"> b', ["a {t1} b"]),
    "unknown element": ("a <my-icon>b</my-icon> c", ["a {t1}b{t2} c"]),
    "comment": ("a <!-- no --> b", ["a {t1} b"]),
    "outer pair": ("<p><b>All</b></p>", ["All"]),
    "edges": ("<b></b> text <img>", ["text"]),
    "wrapped": ("<p>\n  Some text\n   goes on\n</p>", ["Some text goes on"]),
    "no letters": ("<p>1 + 2 = 3</p><p>—</p>", []),
    "collision": ("Use ${b1} <b>a</b> now", ["Use ${b1} {t1}a{t2} now"]),
}


@pytest.mark.parametrize(("document", "texts"), PASSAGES.values(), ids=PASSAGES)
def test_passages(document: str, texts: list[str]) -> None:
    assert texts_of(document) == texts
    assert source_of(read_html(document)) == document


COPIED = {
    "script": '<script>if (a < b) { say("no"); }</script>',
    "style": "<style>p > a { color: red }</style>",
    "pre": "<pre>no <b>no</b>\n no</pre>",
    "code": "<code>no()</code>",
    "keyboard": "<kbd>Ctrl</kbd>",
    "svg": "<svg><text>no</text></svg>",
    "translate=no": '<div translate="no">no <p>no</p> <div>no</div></div>',
    "translate=NO": "<span translate=NO>no</span>",
    "class": '<p class="a notranslate">no</p>',
    "comment": "<!-- no -->",
    "doctype": "<!DOCTYPE html>",
    "instruction": '<?xml version="1.0"?>',
    "attribute": '<img alt="no" title="no">',
    "textarea": "<textarea>no</textarea>",
}


@pytest.mark.parametrize("copied", COPIED.values(), ids=COPIED)
def test_what_is_no_prose_is_copied(copied: str) -> None:
    assert texts_of(copied) == []
    assert texts_of(f"<p>yes</p>{copied}<p>yes</p>") == ["yes", "yes"]
    assert texts_of(f"yes {copied} yes") in (["yes {t1} yes"], ["yes", "yes"])


ESCAPES = {
    "ampersand": ("a &amp; b", "a & b"),
    "brackets": ("a &lt;b&gt; c", "a <b> c"),
    "quotes": ("&quot;a&#39;s&quot;", '"a\'s"'),
    "decimal": ("caf&#233;", "café"),
    "hexadecimal": ("a&#x2014;b", "a—b"),
    "named": ("a&nbsp;b &copy; &eacute;", "a\xa0b © é"),
    "bare ampersand": ("AT&T and Q & A", "AT&T and Q & A"),
    "bare bracket": ("a < b", "a < b"),
}


@pytest.mark.parametrize(("source", "text"), ESCAPES.values(), ids=ESCAPES)
def test_character_references_are_decoded_and_encoded(source: str, text: str) -> None:
    assert texts_of(source) == [text]
    (passage,) = read_html(source)
    assert isinstance(passage, Passage)
    assert mask(passage).restore(text) == source
    changed = mask(passage).restore(f"{text} x")
    assert changed is not None
    assert texts_of(changed) == [f"{text} x"]


def test_references_keep_their_spelling_in_a_translation() -> None:
    (passage,) = read_html("a&nbsp;b &mdash; c &amp; d")
    assert isinstance(passage, Passage)
    assert restored(passage, "B\xa0A — C & D <x>") == "B&nbsp;A &mdash; C &amp; D &lt;x&gt;"


def test_an_unknown_reference_is_copied() -> None:
    assert texts_of("a &nope; b") == ["a {t1} b"]


INVALID = ["<", "<p", "</", "a</b>", "<b>a", "<b><i>a</b></i>", "&", "&#;", "<!", "<!--", "<![", "<?",
           "<p <p>a", "<a href='x>a</a>", "</p></p>a", "<script>a", "<code>a<p>b</p>", "<br></br>a",
           "<p/>a", "a\0b", "<>a</>", "<1>a", "<b b=1 b=2>a</b>", "\ufeff<p>a", "<TITLE>a</tItLe>"]  # fmt: skip


@pytest.mark.parametrize("document", INVALID)
def test_invalid_markup_survives(document: str) -> None:
    assert source_of(read_html(document)) == document


@given(
    st.lists(
        st.sampled_from(
            [*INVALID, "<p>", "</p>", "<b>", "</b>", "text ", "&amp;", "\n", "<code>", "</code>", "<br>",
             "<pre>", "</pre>", "<span translate=no>", "</span>", "é", "<!-- -->", "\r\n"]
        )
    ).map("".join)
)  # fmt: skip
def test_what_was_read_is_the_document(document: str) -> None:
    read = read_html(document)
    assert source_of(read) == document
    for part in read:
        if isinstance(part, Passage):
            assert mask(part).restore(mask(part).text) == part.source


NESTED = {
    "other ends": ("<b>", "", "</i>"),
    "nested": ("<b>", "x", "</b>"),
    "nested with text": ("<b>a", "", "</b>"),
    "nested without text": ("<b>", "", "</b>"),
    "crossed": ("<b><i>a", "", "</b></i>"),
    "pairs": ("<b>a</b>", "", ""),
    "blanks": (" <b> ", "", ""),
}


def mask_and_restore(document: str) -> None:
    """Read a document, and restore every passage."""
    for part in read_html(document):
        if isinstance(part, Passage):
            masked = mask(part)
            assert masked.restore(masked.text + "!") is not None


@pytest.mark.parametrize(("unit", "between", "after"), NESTED.values(), ids=NESTED)
def test_many_tags_take_linear_time(unit: str, between: str, after: str) -> None:
    assert grows_linearly(mask_and_restore, unit, between=between, after=after)


@pytest.mark.parametrize(
    "unit", ["<", "<p>", "<b>", "</b>", "&", "&amp;", "<!--", "<![", "<code>", "<p a='", "a<br>"]
)
def test_hostile_markup_takes_linear_time(unit: str) -> None:
    document = unit * (4_000 // len(unit))
    assert source_of(read_html(document)) == document
    assert grows_linearly(read_html, unit)
