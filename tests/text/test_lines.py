from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.choices import LineBreaks
from seqserve.text.lines import blocks_of, cells_of, lines_of
from tests.timing import grows_linearly

ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from("aB.,:-|#>\t \r\n\x0b\x85\u2028"), st.characters(exclude_categories=["Cs"])
    ),
    max_size=60,
)

SOFT = {
    "narrow columns": (
        "The server keeps a log of\nevery request, and removes\nlines that are older than\nseven days."
    ),
    "a name goes on": (
        "The report was written in 2019 by John\nSmith of the University of\nCalifornia in Los\nAngeles."
    ),
    "a sentence ends at a line's end": (
        "A run of the nightly jobs takes a while.\nThe log says how long it took, and which of\nthem failed."
    ),
    "Windows line ends": "The file that you opened is read\r\nonly, and cannot be saved.",
    "old Mac line ends": "The file that you opened is read\ronly, and cannot be saved.",
    "a list item": "- The first item is longer than a\n  line of the file.",
    "indented": "    The first line of an indented paragraph, which\n    is wrapped.",
    "short subtitle": "I don't know\nwhat you mean.",
    "no full stop, but wide": (
        "the quick brown fox jumps over the lazy dog and then\nreturns to the place where it came from"
    ),
    "a wide line before a name": (
        "the book that was found in the library was written by Miss\nSmith."
    ),
    "ends with a comma": "When the request has been read completely,\nIBM's parser takes over.",
    "German": "Die Datei, die Sie geöffnet haben, ist von\nMaria geschrieben worden.",
    "Chinese": "服务器保存每一个请求的日志并且删除早于\n七天的行。",
    "Japanese": "サーバーはすべてのリクエストのログを保存し\nます。",
    "quoted": "> the first line of the text, and the\n> second line, which ends.",
    "quoted twice": "> > the first line of the text, and the\n>> second line, which ends.",
    "a semicolon": "The server listens on this machine only, the flag opens it;\nread the page on it first.",
    "a line too long for the others": (
        "Read the page https://example.com/a/very/long/address/that/no/line/can/hold/at/all of the\n"
        "manual first, and then open the file in the editor that you like best, because it\n"
        "has to be changed. Then close it."
    ),
    "capitals": (
        "THE PACKAGE IS PROVIDED AS IS AND WITHOUT ANY EXPRESS OR\nIMPLIED WARRANTIES OF ANY KIND."
    ),
    "a digit comes next": (
        "The maximum number of connections is set to\n100 in the file that the operator wrote."
    ),
}

HARD = {
    "two names": ["John Smith\n", "London"],
    "two names, Windows": ["Mary Jones\r\n", "Boston"],
    "a column of names": ["Anna\n", "Paul\n", "Peter\n", "Maria"],
    "a list without marks": ["milk\n", "eggs\n", "bread"],
    "header: value": ["Name: Mary Jones\n", "City: Boston"],
    "lower-case keys": ["host: localhost\n", "port: 3000"],
    "tab": ["Mary Jones\t", "Boston"],
    "table": ["Name: John Smith\t", "City: Paris\n", "Anna\t", "Rome"],
    "wide gap": ["Mary Jones   ", "Boston"],
    "vertical tab": ["Mary Jones\x0b", "Boston"],
    "form feed": ["Mary Jones of\x0c", "the bank"],
    "next line": ["Mary Jones of\x85", "the bank"],
    "line separator": ["Mary Jones of\u2028", "the bank"],
    "paragraph separator": ["Mary Jones of\u2029", "the bank"],
    "blank line": ["The server keeps a log of\n", "\n", "every request."],
    "blank line with a space": ["The server keeps a log of\n", " \n", "every request."],
    "bullets": ["- the first of\n", "- the second"],
    "numbers": ["1. the first of the items of the\n", "2. the second item of the"],
    "check boxes": ["- [ ] open the door of the\n", "- [x] close the window"],
    "heading": ["# The title of the\n", "text that follows it goes on here."],
    "quoted deeper": ["> the first line of the\n", ">> second line, which ends."],
    "quoted behind": ["the first line of the\n", "> second line, which ends."],
    "fence": ["```python\n", "value of the\n", "```"],
    "table bars": ["| the first row of\n", "| the second row of |"],
    "rule": ["The title of the page is above a\n", "-----\n", "and the text below."],
    "greeting": ["Dear Mary,\n", "thank you for the letter."],
    "address": ["Mary Jones\n", "12 Main Street\n", "Boston, MA 02115"],
    "a sentence a line": [
        "One sentence per line is here.\n",
        "Another one.\n",
        "And the third one is long too.",
    ],
    "code": ["value = compute(the, sum);\n", "other = value of the sum;"],
    "two reviews": ["Great start\n", "Awful end"],
    "menu": ["Keep me logged in\n", "Forgot your password?\n", "Sign up"],
}


@pytest.mark.parametrize("text", SOFT.values(), ids=SOFT)
def test_soft_breaks_are_in_one_block(text: str) -> None:
    assert blocks_of(text) == [(0, len(text))]
    *wrapped, last = lines_of(text)
    assert all(line.is_soft for line in wrapped) and not last.is_soft


@pytest.mark.parametrize("expected", HARD.values(), ids=HARD)
def test_hard_breaks_end_a_block(expected: list[str]) -> None:
    text = "".join(expected)
    assert [text[start:end] for start, end in blocks_of(text)] == expected
    assert not any(line.is_soft for line in lines_of(text))


def test_a_paragraph_between_others_is_one_block() -> None:
    expected = [
        "# Log\n",
        "\n",
        "The server keeps a log of\nevery request.\n",
        "\n",
        "- one of the items that are in this\n  list.\n",
        "- two\n",
    ]
    text = "".join(expected)
    assert [text[start:end] for start, end in blocks_of(text)] == expected


@given(ANY_TEXT)
def test_every_character_is_in_one_block_and_one_line(text: str) -> None:
    assert "".join(text[start:end] for start, end in blocks_of(text)) == text
    lines = lines_of(text)
    assert "".join(text[line.start : line.stop] for line in lines) == text
    assert all("\n" not in text[line.start : line.end] for line in lines)
    assert [line.stop for line in lines[:-1]] == [line.start for line in lines[1:]]


CELLS = {
    "tabs": ("a\tb\t\tc d", ["a", "b", "c d"]),
    "wide gaps": ("a b   c     d", ["a b", "c", "d"]),
    "tab in spaces": ("a \t b", ["a", "b"]),
    "two spaces": ("One.  Two.", ["One.  Two."]),
    "an indent is no gap": ("\ta   b", ["\ta", "b"]),
    "full-width spaces": ("姓名\u3000\u3000\u3000城市", ["姓名", "城市"]),
    "empty": ("", [""]),
}


@pytest.mark.parametrize(("line", "expected"), CELLS.values(), ids=CELLS)
def test_cells(line: str, expected: list[str]) -> None:
    assert [line[start:end] for start, end in cells_of(line)] == expected


@pytest.mark.parametrize(
    "unit",
    ["a\n", "word of\n", "\t", " ", ">", "- ", "a: ", "1.", "(", "的\n", "\r", "#", "a   b"],
)
def test_time_grows_with_the_text(unit: str) -> None:
    assert grows_linearly(blocks_of, unit)
    assert grows_linearly(lambda text: blocks_of(f"{text}\n{text}\n"), unit)


MODES = {
    "wrapped": (
        "The file that you opened is read\nonly, and cannot be saved.",
        [False, True, True],
    ),
    "short lines": ("John Smith\nLondon", [False, True, False]),
    "sentences": ("One is here.\nTwo is there.", [False, True, False]),
    "a list": ("- one\n- two", [False, False, False]),
    "a table": ("a\tb\nc\td", [False, False, False]),
    "a blank line": ("one of\n\ntwo", [False, False, False]),
}


@pytest.mark.parametrize(("text", "expected"), MODES.values(), ids=MODES)
def test_modes(text: str, expected: list[bool]) -> None:
    modes: list[LineBreaks] = ["keep", "join", "auto"]
    assert [lines_of(text, mode)[0].is_soft for mode in modes] == expected
