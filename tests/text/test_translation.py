from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.translation import join_pieces, join_segments, oddities, segments_of, split_long

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(ANY_TEXT, st.sampled_from(["en", "zh"]))
def test_copied_segments_give_the_text_back(text: str, language: str) -> None:
    segments = segments_of(text, language)
    assert "".join(segment.text for segment in segments) == text
    copies = [segment.text for segment in segments if segment.is_translatable]
    joined = join_segments(segments, copies, "de")
    assert joined.replace(" ", "") == text.replace(" ", "")
    assert len(joined) >= len(text)  # a space is inserted between two adjacent sentences


JOINED = {
    "two sentences": ("One. Two.", "zh", "[One.][Two.]"),
    "spaces between sentences stay for German": ("One. Two.", "de", "[One.] [Two.]"),
    "line ends and indents": (
        "  One.\r\n\n\tTwo. Three.\n",
        "zh",
        "  [One.]\r\n\n\t[Two.][Three.]\n",
    ),
    "touching sentences": ("你好。再见！", "de", "[你好。] [再见！]"),
    "touching sentences in Chinese": ("One! Two?", "zh", "[One!][Two?]"),
    "numbers between": ("One. 12 34. Two.", "zh", "[One.] 12 34. [Two.]"),
    "no letters": ("---\n123\nOne.", "zh", "---\n123\n[One.]"),
    "emoji": ("\U0001f600", "zh", "\U0001f600"),
    "only white space": (" \n ", "zh", " \n "),
}


@pytest.mark.parametrize(("text", "target", "expected"), JOINED.values(), ids=JOINED)
def test_join(text: str, target: str, expected: str) -> None:
    segments = segments_of(text, "en")
    translations = [f"[{segment.text}]" for segment in segments if segment.is_translatable]
    assert join_segments(segments, translations, target) == expected


@pytest.mark.parametrize(
    "text",
    ["word " * 300, "a" * 1000, "first part, second part; " * 40, "没有空格的长句子，" * 60],
    ids=["spaces", "no break", "clauses", "chinese"],
)
def test_split_long_loses_nothing_and_fits(text: str) -> None:
    pieces = split_long(text, len, 100)
    assert "".join(pieces) == text
    assert all(len(piece) <= 100 for piece in pieces)


def test_no_piece_is_blank() -> None:
    assert split_long("a\r \r  b", len, 1) == ["a", "b"]
    assert all(piece.strip() for piece in split_long("one,      two   " * 9, len, 4))


def test_pieces_are_joined_as_the_language_wants() -> None:
    assert [join_pieces(["a", "b"], target) for target in ("zh", "ja", "de")] == ["ab", "ab", "a b"]


def test_split_long_prefers_clause_ends() -> None:
    pieces = split_long("one two three, four five six", len, 20)
    assert pieces == ["one two three, ", "four five six"]


def test_split_long_never_cuts_a_character() -> None:
    assert split_long("abc", lambda part: 99, 10) == ["a", "b", "c"]


ODD = {
    "fine": ("Wait 5 seconds.", "等待 5 秒。", []),
    "grouped digits": ("1,000 rows", "1000 行", []),
    "number lost": ("Wait 5 seconds.", "等待。", ["number_mismatch"]),
    "number made up": ("Wait.", "等待 7 秒。", ["number_mismatch"]),
    "loops": ("Hello there.", "你好你好你好你好你好", ["repetition"]),
    "loops in the source too": ("ha ha ha ha ha ", "哈 哈 哈 哈 哈 哈 哈 哈 ", []),
    "full-width digits": ("Wait 10 seconds.", "等待１０秒。", []),
    "dots are no phrase": ("And so on.", "等等………………………………", []),
    "copied": ("See the manual", "See the manual", ["untranslated"]),
    "an identifier": ("os.path", "os.path", []),
}


@pytest.mark.parametrize(("source", "translation", "expected"), ODD.values(), ids=ODD)
def test_oddities(source: str, translation: str, expected: list[str]) -> None:
    assert oddities(source, translation) == expected
