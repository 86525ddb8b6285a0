from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.markup import MaskedText, mask_markdown, mask_markup
from tests.timing import grows_linearly


def shown(masked: MaskedText) -> str:
    """Return a masked text with the filling left out, and its white space as single signs."""
    return masked.without_filling().replace("\n\n", "¶").replace(" ", "_")


HTML = {
    "inline": ("Mary <b>Jones</b> left", "Mary__Jones__left"),
    "attributes": ('<a href="x?a=1&amp;b">New York</a>', "_New_York_"),
    "blocks": ("<p>One</p><div class=x>Two</div>", "¶One¶¶Two¶"),
    "line breaks": ("One<br>Two<BR/>Three<br />Four", "One¶Two¶Three¶Four"),
    "table cells": ("<tr><td>Anna</td><td>Paul</td></tr>", "¶¶Anna¶¶Paul¶¶"),
    "headings": ("<h1>Anna</h1>Paul", "¶Anna¶Paul"),
    "voices of WebVTT": ("<v Alice Brown>Hello Bob", "¶Hello_Bob"),
    "times of WebVTT": ("<00:01.500>Hello <c.yellow>Bob</c>", "_Hello__Bob_"),
    "elements of XML": ("<name>Bob</name> <ns:x y='1'>c</ns:x>", "_Bob___c_"),
    "self-closing": ("a<unknown/>b", "a_b"),
    "comments and declarations": ("<!DOCTYPE html>a<!-- Bob -->b<?xml v?>c", "_a_b_c"),
    "a name in brackets": ("<Alice> hello", "<Alice>_hello"),
    "an address": ("Bob <bob@example.com>", "Bob_<bob@example.com>"),
    "comparisons": ("a < b and c > d, x <y", "a_<_b_and_c_>_d,_x_<y"),
    "a heart": ("I <3 you", "I_<3_you"),
    "an open tag": ("a <b", "a_<b"),
}


@pytest.mark.parametrize(("text", "expected"), HTML.values(), ids=HTML)
def test_html(text: str, expected: str) -> None:
    assert shown(mask_markup(text)) == expected


REFERENCES = {
    "number": ("isn&#39;t isn&#039;t isn&#8217;t", "isn't_isn't_isn’t"),
    "hexadecimal": ("isn&#x27;t isn&#X2019;t", "isn't_isn’t"),
    "name": ("isn&rsquo;t isn&apos;t &amp; &lt;b&gt;", "isn’t_isn't_&_<b>"),
    "encoded twice": ("isn&amp;#39;t isn&amp;amp;rsquo;t", "isn't_isn’t"),
    "a space": ("New&nbsp;York", "New\u00a0York"),
    "letters": ("Z&uuml;rich caf&eacute;", "Zürich_café"),
    "none": (
        "AT&T R&D; a & b &x; &notatall; &#; &#xyz;",
        "AT&T_R&D;_a_&_b_&x;_&notatall;_&#;_&#xyz;",
    ),
    "a tag that is text": ("&lt;b&gt;bold&lt;/b&gt;", "<b>bold</b>"),
    "damaged apostrophes": ("isn\\'t isnâ€™t", "isn't_isn't"),
    "full width": ("Ｄｏｎ＇ｔ！（１）", "Don't!(1)"),
    "plain": ("Nothing to do; here.", "Nothing_to_do;_here."),
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_character_references(text: str, expected: str) -> None:
    masked = mask_markup(text)
    assert shown(masked) == expected
    assert masked.marks == ()


MARKDOWN = {
    "strong": ("**Mary Jones** left", "Mary_Jones__left"),
    "emphasis": ("*Mary* and _Bob_ and ***Eve***", "Mary__and_Bob__and_Eve_"),
    "strong by underscores": ("__Mary__ and ~~Bob~~", "Mary__and_Bob_"),
    "code": ("`Mary` in code", "Mary__in_code"),
    "links": ("[Mary Jones](http://a.b/M_(J)) left", "Mary_Jones__left"),
    "links with titles": ('[Mary](http://a.b "Title") [Bob][1]', "Mary__Bob_"),
    "images": ("![Paris](p.png)", "Paris_"),
    "wiki links": ("[[Mary Jones]] left", "Mary_Jones__left"),
    "headings": ("# Mary Jones\n## Bob ##", "_Mary_Jones\n_Bob_"),
    "quotes": ("> Mary\n> Bob", "_Mary\n_Bob"),
    "nested": ("**[Mary](u)** and _`Bob`_", "Mary__and_Bob_"),
    "snake case": ("a_b_c and __init__.py", "a_b_c_and_init_.py"),
    "multiplication": ("2 * 3 * 4", "2_*_3_*_4"),
    "a footnote": ("cost* and price*", "cost*_and_price*"),
    "brackets": ("[1] and [sic] (x)", "[1]_and_[sic]_(x)"),
    "a hash tag": ("#topic # x", "#topic_#_x"),
    "quotation marks of Treebank": ("``x'' ``y''", "``x''_``y''"),
    "names of users": ("@_bob_ said", "@_bob__said"),
}


@pytest.mark.parametrize(("text", "expected"), MARKDOWN.values(), ids=MARKDOWN)
def test_markdown(text: str, expected: str) -> None:
    assert shown(mask_markdown(MaskedText(text))) == expected


@given(st.text(st.sampled_from("aB1 <>/&;#x*_[]()`~\n'!br\uff21\u2060"), max_size=60))
def test_no_letter_moves(text: str) -> None:
    masked = mask_markdown(mask_markup(text))
    assert len(masked.text) == len(text)
    assert list(masked.marks) == sorted(masked.marks)
    assert all(0 <= start < end <= len(text) for start, end in masked.marks)


def test_marks_are_where_the_tags_are() -> None:
    text = "Mary <b>Jones</b> *x*"
    marks = mask_markdown(mask_markup(text)).marks
    assert [text[start:end] for start, end in marks] == ["<b>", "</b>", "*", "*"]


def test_sentences_end_before_filling() -> None:
    text = "It was <b>late.</b> Bob left.&nbsp;Eve stayed."
    masked = mask_markup(text)
    found = [masked.trimmed(*span) for span in masked.sentences(0, len(text), "en")]
    assert [text[start:end] for start, end in found] == [
        "It was <b>late.",
        "Bob left.",
        "Eve stayed.",
    ]


HOSTILE = ["<", "<a ", "<a>", "</a", "<!--", "&", "&amp;", "&#", "\\'", "â€", "> ", "# "]
HOSTILE += ["*", "**a", "_a", "__", "`", "~~", "[", "[a](", "[["]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    assert grows_linearly(lambda text: mask_markdown(mask_markup(text)), unit)
