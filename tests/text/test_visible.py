from __future__ import annotations

import unicodedata

import pytest

from seqserve.text.visible import is_blank

BLANK = {
    "nothing": "",
    "spaces": "  \t\n",
    "line and paragraph separator": "\u2028\u2029",
    "next line": "\x85",
    "ideographic space": "\u3000",
    "no-break spaces": "\xa0\u202f\u2007",
    "zero-width space": "\u200b",
    "zero-width joiners": "\u200d\u200c\u2060",
    "byte order mark": "\ufeff",
    "NUL": "\0",
    "end of file of DOS": "\x1a",
    "soft hyphen": "\xad",
    "bidirectional marks": "\u202a\u202c\u2066\u2069\u200e",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "variation selectors": "\ufe0e\ufe0f\U000e0100",
    "tags": "\U000e0041\U000e007f",
    "grapheme joiner": "\u034f",
    "braille blank": "\u2800",
    "mixed": " \u200b\n\ufeff\x00 ",
}
VISIBLE = {
    "letter": "a",
    "digit": "1",
    "punctuation": "?",
    "Chinese": "的",
    "emoji": "👍",
    "emoji sequence": "\u200d👩\u200d💻",
    "flag": "🇩🇪",
    "private use": "\ue000",
    "Arabic sign in front of a number": "\u06dd",
    "behind much that is blank": "\ufeff" + " " * 9999 + ".",
    "replacement character": "\ufffd",
}


@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK)
def test_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", VISIBLE.values(), ids=VISIBLE)
def test_visible(text: str) -> None:
    assert not is_blank(text)
    assert not is_blank(f" \u200b{text}")


def test_every_letter_number_and_punctuation_mark_is_visible() -> None:
    fillers = "\u115f\u1160\u3164\uffa0"  # letters by their category
    characters = map(chr, [*range(0xD800), *range(0xE000, 0x30000)])
    found = [one for one in characters if unicodedata.category(one)[0] in "LNP" and is_blank(one)]
    assert "".join(found) == fillers
