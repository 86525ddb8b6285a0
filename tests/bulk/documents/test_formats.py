"""Every format: what is translated, what stays, and that an identical translation changes no byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.bulk.documents.formats import DOCUMENTS, SUFFIXES, DocumentFormat
from seqserve.bulk.documents.unit import Unit, source_of
from seqserve.errors import DataError
from seqserve.text.documents.passages import has_letters


def translated(name: DocumentFormat, text: str, translate: Callable[[str], str | None]) -> str:
    """Return a file in which every text is translated."""
    parts = DOCUMENTS[name].read(text)
    return "".join(
        part if isinstance(part, str) else part.write([translate(one) for one in part.texts])
        for part in parts
    )


def texts_of(name: DocumentFormat, text: str) -> list[str]:
    return [
        one for part in DOCUMENTS[name].read(text) if isinstance(part, Unit) for one in part.texts
    ]


SRT = """1
00:00:01,000 --> 00:00:02,500
Where are you
going tonight?

2
00:00:03,000 --> 00:00:04,000
- Home.
- Why?

3
00:00:05,000 --> 00:00:06,000
{\\an8}<i>♪ A song ♪</i>

4
00:00:07,000 --> 00:00:08,000
♪

"""
VTT = """WEBVTT - Title

NOTE A note
that goes on

STYLE
::cue { color: red }

intro
00:01.000 --> 00:02.000 line:0 align:start
<v Alice>Hello &amp; welcome

00:03.000 --> 00:04.000
One <00:03.500>two
"""
PO = r"""# Translators
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=n != 1;\n"

#. Note
#: src/a.c:1
#, c-format
msgid "Open %s"
msgstr ""

msgctxt "menu"
msgid ""
"First line\n"
"Second \"line\"\n"
msgstr ""

#| msgid "Old"
msgid "Done already"
msgstr "Fertig"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""

msgid "100 %"
msgstr ""

#~ msgid "Gone"
#~ msgstr ""
"""
JSON = """{
  "title": "Hello \\"you\\"",
  "nested": {"list": ["One", "2", {"key": "Two"}]},
  "@title": {"description": "no"},
  "@@locale": "en",
  "n": 1, "none": null, "empty": "",
  "caf\\u00e9": "tab\\there"
}
"""
HTML = "<!DOCTYPE html>\n<p>One <b>two</b> &amp; three</p>\n<pre>no</pre>\n<ul><li>Four</ul>\n"
MARKDOWN = "# One\n\n> two\n> three `four`\n\n- five\n\n```\nno\n```\n"

SAMPLES: dict[str, tuple[DocumentFormat, str, list[str]]] = {
    "srt": ("srt", SRT, ["Where are you going tonight?", "Home.", "Why?", "A song"]),
    "vtt": ("vtt", VTT, ["Hello &amp; welcome", "One", "two"]),
    "po": (
        "po",
        PO,
        ["Open %s", 'First line\nSecond "line"', "%d file", "%d files"],
    ),
    "json": ("json", JSON, ['Hello "you"', "One", "Two", "tab\there"]),
    "html": ("html", HTML, ["One <b>two</b> &amp; three", "Four"]),
    "markdown": ("markdown", MARKDOWN, ["One", "two three", "five"]),
}


@pytest.mark.parametrize(("name", "text", "texts"), SAMPLES.values(), ids=SAMPLES)
def test_what_is_translated(name: DocumentFormat, text: str, texts: list[str]) -> None:
    assert texts_of(name, text) == texts


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("name", "text", "texts"), SAMPLES.values(), ids=SAMPLES)
def test_what_was_read_is_the_file(
    name: DocumentFormat, text: str, texts: list[str], end: str
) -> None:
    text = text.replace("\n", end)
    assert source_of(DOCUMENTS[name].read(text)) == text
    assert translated(name, text, lambda _: None) == text  # nothing could be translated
    if name != "po":
        assert translated(name, text, lambda one: one) == text
    assert len(texts_of(name, text)) == len(texts)


LINES: dict[DocumentFormat, list[int]] = {
    "srt": [3, 8, 9, 13],
    "vtt": [11, 14, 14],
    "po": [10, 13, 23],
    "json": [2, 3, 3, 7],
    "html": [2, 4],
    "markdown": [1, 3, 6],
}


@pytest.mark.parametrize("name", LINES)
def test_units_know_their_lines(name: DocumentFormat) -> None:
    parts = DOCUMENTS[name].read(SAMPLES[name][1])
    assert [part.line for part in parts if isinstance(part, Unit)] == LINES[name]


def test_a_translated_json_file() -> None:
    said = translated("json", JSON, str.upper)
    assert '"title": "HELLO \\"YOU\\""' in said
    assert '"@title": {"description": "no"}' in said
    assert '"caf\\u00e9": "TAB\\tHERE"' in said


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('["a"]', '["é"]'),
        ('["a", "\\u00fc"]', '["\\u00e9", "\\u00e9"]'),
        ('["a", "ü"]', '["é", "é"]'),
        ('"a"', '"é"'),
        ('{"": "a", "b":"c"}', '{"": "é", "b":"é"}'),
        ('{"@x": ["a", {"b": "c"}], "y": "a"}', '{"@x": ["a", {"b": "c"}], "y": "é"}'),
        ('{"a": {"b": {}}, "c": "d"}', '{"a": {"b": {}}, "c": "é"}'),
    ],
)
def test_json_is_written_as_it_was(text: str, written: str) -> None:
    assert translated("json", text, lambda _: "é") == written


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "[1,]", "[" * 10_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="the file is no JSON"):
        DOCUMENTS["json"].read(text)


def test_a_translated_po_file() -> None:
    said = translated("po", PO, lambda text: text.upper())
    assert '#, fuzzy, c-format\nmsgid "Open %s"\nmsgstr "OPEN %S"\n' in said
    assert (
        '#, fuzzy\nmsgctxt "menu"\nmsgid ""\n"First line\\n"\n"Second \\"line\\"\\n"\n'
        'msgstr ""\n"FIRST LINE\\n"\n"SECOND \\"LINE\\"\\n"\n'
    ) in said
    assert '#| msgid "Old"\nmsgid "Done already"\nmsgstr "Fertig"\n' in said
    assert 'msgstr[0] "%D FILE"\nmsgstr[1] "%D FILES"\n' in said
    assert 'msgid "100 %"\nmsgstr ""\n\n#~ msgid "Gone"\n#~ msgstr ""\n' in said
    assert said.startswith(PO[: PO.index("#, c-format")])


PO_ENTRIES = {
    "one form": (
        'msgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\n',
        '#, fuzzy\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] "B"\n',
    ),
    "three forms": (
        'msgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""\n',
        '#, fuzzy\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] "A"\nmsgstr[1] "B"\nmsgstr[2] "B"\n',
    ),
    "previous text": (
        '#: x\n#| msgid "y"\nmsgid "a"\nmsgstr ""\n',
        '#: x\n#, fuzzy\n#| msgid "y"\nmsgid "a"\nmsgstr "A"\n',
    ),
    "fuzzy already": ('#, fuzzy\nmsgid "a"\nmsgstr ""\n', '#, fuzzy\nmsgid "a"\nmsgstr "A"\n'),
    "no blank line": (
        'msgid "a"\nmsgstr ""\nmsgid "b"\nmsgstr ""',
        '#, fuzzy\nmsgid "a"\nmsgstr "A"\n#, fuzzy\nmsgid "b"\nmsgstr "B"',
    ),
    "outer blanks": ('msgid " a\\n"\nmsgstr ""\n', '#, fuzzy\nmsgid " a\\n"\nmsgstr " A\\n"\n'),
    "tab and backslash": (
        'msgid "a\\tb\\\\"\nmsgstr ""\n',
        '#, fuzzy\nmsgid "a\\tb\\\\"\nmsgstr "A\\tB\\\\"\n',
    ),
    "octal": ('msgid "\\101\\x62"\nmsgstr ""\n', '#, fuzzy\nmsgid "\\101\\x62"\nmsgstr "AB"\n'),
    "no translation": ('msgid "a"\n', 'msgid "a"\n'),
    "half translated": (
        'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "x"\nmsgstr[1] ""\n',
        'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "x"\nmsgstr[1] ""\n',
    ),
    "carriage returns": (
        'msgid "a"\r\nmsgstr ""\r\n',
        '#, fuzzy\r\nmsgid "a"\r\nmsgstr "A"\r\n',
    ),
}


@pytest.mark.parametrize(("text", "written"), PO_ENTRIES.values(), ids=PO_ENTRIES)
def test_po_entries(text: str, written: str) -> None:
    assert translated("po", text, str.upper) == written


CUES = {
    "wrapped again": ("Where are\nyou going?", "Wo gehst du hin?", "Wo gehst\ndu hin?"),
    "short": ("Where are you\ngoing tonight?", "Wo?", "Wo?"),
    "one line stays one": ("Hello", "Guten Tag, meine Damen", "Guten Tag, meine Damen"),
    "Chinese": ("Where do\nyou go?", "你要到哪里去？你什么时候回来？", "你要到哪里去？\n你什么时候回来？"),
    "outer marks": ("<i>Hello\nthere</i>", "Hallo", "<i>Hallo</i>"),
    "position": ("{\\an8}Hello", "Hallo", "{\\an8}Hallo"),
    "music": ("♪ Hello ♪", "Hallo", "♪ Hallo ♪"),
    "a dash": ("- Hello", "Hallo", "- Hallo"),
    "line breaks of a translation": ("Hello", "Hal\nlo", "Hal lo"),
}  # fmt: skip


@pytest.mark.parametrize(("cue", "translation", "written"), CUES.values(), ids=CUES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cues(cue: str, translation: str, written: str, end: str) -> None:
    file = "7\n00:00:01,000 --> 00:00:02,000\n{}\n\n8\n00:00:01,000 --> 00:00:02,000\nNo. 8\n"
    text = file.format(cue).replace("\n", end)
    said = translated("srt", text, lambda one: one if one == "No. 8" else translation)
    assert said == file.format(written).replace("\n", end)


@pytest.mark.parametrize("suffix", ["", "\n", "\n\n\n"])
def test_the_end_of_a_file_of_subtitles_stays(suffix: str) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nHello" + suffix
    assert translated("srt", text, str.upper) == text.replace("Hello", "HELLO")


def test_every_format_has_suffixes_of_its_own() -> None:
    n_suffixes = sum(len(row.suffixes) for row in DOCUMENTS.values())
    assert len(SUFFIXES) == n_suffixes
    assert all(suffix == suffix.lower() for suffix in SUFFIXES)


PIECES = ["\n", "\r\n", " ", "a", "b c", "-", '"', "\\", "msgid ", "msgstr ", '""', '"a"\n', "#, x\n",
          "00:00:01,000 --> 00:00:02,000\n", "1\n", "<i>", "</i>", "{", "}", "[", "]", ":", ",", "é",
          "WEBVTT\n", "msgstr[0] ", "msgid_plural ", "# ", "> ", "&amp;", "<00:01.000>", "♪"]  # fmt: skip


@given(
    st.sampled_from([name for name in DOCUMENTS if name != "json"]),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
)
def test_no_byte_is_lost(name: DocumentFormat, text: str) -> None:
    assert source_of(DOCUMENTS[name].read(text)) == text
    assert translated(name, text, lambda _: None) == text
    if name != "po":
        assert translated(name, text, lambda one: one) == text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


@given(JSON_VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_no_byte_of_json_is_lost(value: object, indent: int | str | None, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    assert translated("json", text, lambda one: one) == text
    longer = json.loads(translated("json", text, lambda one: f"{one}!"))
    assert without_marks(longer) == value


def without_marks(value: Any) -> Any:
    """Return a value without the exclamation marks at the ends of its strings."""
    if isinstance(value, list):
        return [without_marks(one) for one in value]
    if isinstance(value, dict):
        return {key: without_marks(one) for key, one in value.items()}
    return value.removesuffix("!") if isinstance(value, str) and has_letters(value) else value
