from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqserve.choices import LineBreaks
from seqserve.text.joining import join_segments, source_spans
from seqserve.text.segments import Segment, segments_of
from tests.timing import grows_linearly

ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from('aB .!\n\r\t>-#*`|()"“”{}\u200b😀я好'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)
MODES = st.sampled_from(["keep", "join", "auto"])


@given(ANY_TEXT, st.sampled_from(["en", "zh"]), MODES)
def test_joined_segments_are_the_text(text: str, language: str, mode: LineBreaks) -> None:
    segments = segments_of(text, language, mode)
    assert "".join(segment.text for segment in segments) == text
    assert all(segment.text for segment in segments)
    places = [text[start:end] for start, end in source_spans(segments)]
    assert places == [segment.text for segment in segments if segment.is_translatable]


@example("\x1fº", "keep")
@example("é \x1c\x1d", "auto")
@given(ANY_TEXT, MODES)
def test_no_sentence_has_a_line_break_or_outer_space(text: str, mode: LineBreaks) -> None:
    for segment in segments_of(text, "en", mode):
        if segment.is_translatable:
            assert segment.sentence == segment.sentence.strip()
            assert len(segment.sentence.splitlines()) == 1


@given(ANY_TEXT)
def test_copied_segments_give_the_text_back(text: str) -> None:
    segments = segments_of(text, "en", "keep")
    copies = [segment.text for segment in segments if segment.is_translatable]
    joined = join_segments(segments, copies, "de").text
    assert joined.replace(" ", "") == text.replace(" ", "")
    assert len(joined) >= len(text)  # a space is inserted between two adjacent sentences


def shown(text: str, mode: LineBreaks = "auto") -> str:
    """Return a text with its sentences in brackets, those that are copied with a warning in angles."""

    def one(segment: Segment) -> str:
        if not segment.is_translatable:
            return segment.text
        return f"‹{segment.text}›" if segment.is_foreign else f"⟦{segment.sentence}⟧"

    return "".join(map(one, segments_of(text, "en", mode)))


FURNITURE = {
    "bullet": ("- First item", "- ⟦First item⟧"),
    "star": ("* First item", "* ⟦First item⟧"),
    "plus": ("+ First item", "+ ⟦First item⟧"),
    "round bullet": ("• First item", "• ⟦First item⟧"),
    "nested": ("  - Nested item", "  - ⟦Nested item⟧"),
    "number with a stop": ("1. First item", "1. ⟦First item⟧"),
    "number with a bracket": ("12) First item", "12) ⟦First item⟧"),
    "letter": ("(a) First item", "(a) ⟦First item⟧"),
    "check box": ("- [ ] Open task", "- [ ] ⟦Open task⟧"),
    "checked box": ("* [x] Closed task", "* [x] ⟦Closed task⟧"),
    "heading": ("## Title", "## ⟦Title⟧"),
    "closed heading": ("## Title ##", "## ⟦Title⟧ ##"),
    "numbered heading": ("### 3.1 Setup", "### 3.1 ⟦Setup⟧"),
    "numbered line": ("3.1.2 Setup of it", "3.1.2 ⟦Setup of it⟧"),
    "quote": ("> Quoted words", "> ⟦Quoted words⟧"),
    "alert": ("> [!NOTE] Quoted words", "> [!NOTE] ⟦Quoted words⟧"),
    "quote in quote": (">> Quoted words", ">> ⟦Quoted words⟧"),
    "list in quote": ("> 1. Quoted words", "> 1. ⟦Quoted words⟧"),
    "table": ("| Name | Size in MB |", "| ⟦Name⟧ | ⟦Size in MB⟧ |"),
    "table rule": ("|---|:--:|", "|---|:--:|"),
    "escaped bar": ("| a \\| b | c |", "| ⟦a \\| b⟧ | ⟦c⟧ |"),
    "rule": ("-----", "-----"),
    "tabs": ("Name:\tTom", "⟦Name:⟧\t⟦Tom⟧"),
    "wide columns": ("Name    Size    Date", "⟦Name⟧    ⟦Size⟧    ⟦Date⟧"),
    "dash of speech": ("– Who is there?", "– ⟦Who is there?⟧"),
    "a minus is no bullet": ("-5 degrees", "⟦-5 degrees⟧"),
    "a year is no number": ("Of 1995. The next", "⟦Of 1995.⟧ ⟦The next⟧"),
    "initials": ("J. Smith left.", "⟦J. Smith left.⟧"),
}
FENCED = {
    "fence": ("Run:\n```sh\nmake it\n```\nDone.", "⟦Run:⟧\n```sh\nmake it\n```\n⟦Done.⟧"),
    "tildes": ("~~~\nmake it\n~~~\nDone.", "~~~\nmake it\n~~~\n⟦Done.⟧"),
    "longer fence": ("````\n```\nmake\n````\nDone.", "````\n```\nmake\n````\n⟦Done.⟧"),
    "open fence": ("```\nmake it\nand more", "```\nmake it\nand more"),
    "fence in a list": ("- One\n  ```\n  x\n  ```\n- Two", "- ⟦One⟧\n  ```\n  x\n  ```\n- ⟦Two⟧"),
    "fence in a quote": ("> ```\n> make\n> ```\n> Done.", "> ```\n> make\n> ```\n> ⟦Done.⟧"),
    "code in a line": ("```x``` is code.", "⟦```x``` is code.⟧"),
    "front matter": ("---\ntitle: a\n---\nText.", "---\ntitle: a\n---\n⟦Text.⟧"),
    "front matter, dots": ("---\ntitle: a\n...\nText.", "---\ntitle: a\n...\n⟦Text.⟧"),
    "a rule at the top": ("---\nText here\n---\nText.", "---\n⟦Text here⟧\n---\n⟦Text.⟧"),
}
QUOTED = {
    "brackets": ("(This is a note. It matters.)", "(⟦This is a note.⟧ ⟦It matters.⟧)"),
    "quotes": ('"I came. I saw. I won."', '"⟦I came.⟧ ⟦I saw.⟧ ⟦I won.⟧"'),
    "curly quotes": ("“I came. I saw.”", "“⟦I came.⟧ ⟦I saw.⟧”"),
    "square brackets": ("[One is here. Two is there.]", "[⟦One is here.⟧ ⟦Two is there.⟧]"),
    "angle quotes": ("«I came! Did you?»", "«⟦I came!⟧ ⟦Did you?⟧»"),
    "introduced": ('He said: "I came. I saw."', '⟦He said:⟧ "⟦I came.⟧ ⟦I saw.⟧"'),
    "at the end": (
        "Press the key (it is red. It is big).",
        "⟦Press the key (it is red.⟧ ⟦It is big).⟧",
    ),
    "before another": ("(One is. Two is.) Three.", "(⟦One is.⟧ ⟦Two is.⟧) ⟦Three.⟧"),
    "in the middle": ("The key (it is red. It is big) is it.", None),
    "one sentence": ('"I came."', None),
    "abbreviation": ("(See Mr. Smith, e.g. today.)", None),
    "in a placeholder": ("{n, plural, one {# a. B} other {# b. C}} left", None),
    "in a tag": ('<a title="One. Two.">Click</a> it', None),
    "in code": ("Call `print(a. B)` now", None),
}
EDGES = {
    "emoji before": ("⚠️ Do not restart.", "⚠️ ⟦Do not restart.⟧"),
    "emoji behind": ("All is well. 👍🏽", "⟦All is well.⟧ 👍🏽"),
    "emoji around": ("🎉 All is well 👩‍🔬🎉", "🎉 ⟦All is well⟧ 👩‍🔬🎉"),
    "flag": ("🇩🇪 Germany", "🇩🇪 ⟦Germany⟧"),
    "emoji between": ("One. 😀 Two.", "⟦One.⟧ 😀 ⟦Two.⟧"),
    "bidi marks": ("\u202aRestart it.\u202c", "\u202a⟦Restart it.⟧\u202c"),
    "byte order mark": ("\ufeffRestart it.", "\ufeff⟦Restart it.⟧"),
    "isolates": ("\u2068Restart it.\u2069", "\u2068⟦Restart it.⟧\u2069"),
    "zero-width spaces": ("\u200bRestart\u200b", "\u200b⟦Restart⟧\u200b"),
}
COPIED = {
    "placeholder": ("{name}", "{name}"),
    "code": ("`make it`", "`make it`"),
    "URL": ("https://example.com/a", "https://example.com/a"),
    "identifiers": ("os.path, snake_case", "os.path, snake_case"),
    "tags": ("<br/><hr>", "<br/><hr>"),
    "symbols": ("-> 5 %", "-> 5 %"),
}
FOREIGN = {
    "Russian": ("Привет, как дела?", "‹Привет, как дела?›"),
    "Chinese": ("你好，世界。", "‹你好，世界。›"),
    "Korean": ("이것은 한국어 문장입니다.", "‹이것은 한국어 문장입니다.›"),
    "Arabic": ("مرحبا بالعالم", "‹مرحبا بالعالم›"),
    "Greek": ("Καλημέρα κόσμε", "‹Καλημέρα κόσμε›"),
    "Japanese": ("これは日本語です。", "‹これは日本語です。›"),
    "with a placeholder": ("Привет, {long_user_name}!", "‹Привет, {long_user_name}!›"),
    "one of two": ("It works. Это работает.", "⟦It works.⟧ ‹Это работает.›"),
    "French": ("La maison est grande.", "‹La maison est grande.›"),
    "a word in a sentence": ("Москва is a city.", "⟦Москва is a city.⟧"),
}
MESSAGES = {
    "plural": (
        "{n, plural, one {# file is new.} other {# files are new.}}",
        "{n, plural, one {⟦# file is new.⟧} other {⟦# files are new.⟧}}",
    ),
    "select": (
        "{x, select, a {He left.} other {They left. Soon.}}",
        "{x, select, a {⟦He left.⟧} other {⟦They left.⟧ ⟦Soon.⟧}}",
    ),
    "exact number": (
        "{n, plural, =0 {No files} other {{n} files}}",
        "{n, plural, =0 {⟦No files⟧} other {⟦{n} files⟧}}",
    ),
    "nested": (
        "{n, plural, other {{x, select, a {his dog} other {their dog}}}}",
        "{n, plural, other {{x, select, a {⟦his dog⟧} other {⟦their dog⟧}}}}",
    ),
    "nested in a sentence": (
        "{n, plural, other {I see {x, select, a {his} other {their}} dog}}",
        "{n, plural, other {⟦I see {x, select, a {his} other {their}} dog⟧}}",
    ),
    "in a sentence": (
        "Delete {n, plural, one {# file} other {# files}} now",
        "⟦Delete {n, plural, one {# file} other {# files}} now⟧",
    ),
    "without branches": ("{n, number}", "{n, number}"),
    "nested too deeply": (
        "{n,plural,a{" * 3000 + "file" + "}}" * 3000,
        "{n,plural,a{" * 3000 + "file" + "}}" * 3000,
    ),
    "nothing to translate": ("{n, plural, other {{n} #}}", "{n, plural, other {{n} #}}"),
}
CASES = {
    f"{name}, {case}": row
    for name, table in {
        "furniture": FURNITURE,
        "fenced": FENCED,
        "quoted": QUOTED,
        "edge": EDGES,
        "copied": COPIED,
        "foreign": FOREIGN,
        "message": MESSAGES,
    }.items()
    for case, row in table.items()
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_segments(text: str, expected: str | None) -> None:
    assert shown(text) == (f"⟦{text}⟧" if expected is None else expected)


WRAPPED = "The server keeps a log of\nevery request, and removes\nlines that are old. It is\nnew."
JOINED_LINES = {
    "wrapped": (
        WRAPPED,
        "⟦The server keeps a log of every request, and removes lines that are old.⟧ ⟦It is new.⟧",
    ),
    "quoted": (
        "> The server keeps a log of\n> every request that it gets.",
        "> ⟦The server keeps a log of every request that it gets.⟧",
    ),
    "list item": (
        "- The server keeps a log of\n  every request.\n- Two",
        "- ⟦The server keeps a log of every request.⟧\n- ⟦Two⟧",
    ),
    "hyphen": (
        "The server is a well-\nknown program of old.",
        "⟦The server is a well-known program of old.⟧",
    ),
    "soft hyphen": (
        "The server is a well known pro\u00ad\ngram of old.",
        "⟦The server is a well known program of old.⟧",
    ),
    "Windows": (
        "The server keeps a log of\r\nevery request.\r\n",
        "⟦The server keeps a log of every request.⟧\r\n",
    ),
    "indented": (
        "    The server keeps a log of\n    every request.\n",
        "    ⟦The server keeps a log of every request.⟧\n",
    ),
    "emoji at the break": (
        "The server keeps a log of\nevery request. 😀\n",
        "⟦The server keeps a log of every request.⟧ 😀\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), JOINED_LINES.values(), ids=JOINED_LINES)
def test_wrapped_lines_are_one_sentence(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_line_breaks() -> None:
    assert shown(WRAPPED, "keep").count("\n") == 3
    assert shown("John Smith\nLondon", "join") == "⟦John Smith London⟧"
    assert shown("- one\n- two", "join") == "- ⟦one⟧\n- ⟦two⟧"
    assert shown("John Smith\nLondon", "auto") == "⟦John Smith⟧\n⟦London⟧"


@pytest.mark.parametrize(
    "unit", [*'>-#|`*("“{.😀\u200b\tя', "> - ", "a. ", "{n,plural,a{b}}", "(a. B) ", "```\n", "a\n"]
)
def test_time_grows_with_the_text(unit: str) -> None:
    assert grows_linearly(lambda text: segments_of(text, "en", "auto"), unit)
