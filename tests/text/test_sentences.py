from __future__ import annotations

import pytest
import sentencex
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.sentences import _PLAIN_SENTENCE, _blocks, split_sentences
from tests.timing import grows_linearly


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Mr. Smith left. He ran!", "en", ["Mr. Smith left. ", "He ran!"]),
        ("这是第一句。这是第二句！", "zh", ["这是第一句。", "这是第二句！"]),
        ("", "en", []),
    ],
    ids=["english", "chinese", "empty"],
)
def test_sentences(text: str, language: str, expected: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(text, language)] == expected


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.sampled_from(["en", "zh"])
)
def test_every_character_is_in_one_sentence(text: str, language: str) -> None:
    end = 0
    for sentence in split_sentences(text, language):
        assert sentence.start == end
        assert text[sentence.start : sentence.end] == sentence.text
        end = sentence.end
    assert end == len(text)


WIDE_SPACES = {
    "no-break": "Plan Z\xa0. Ann left.",
    "ideographic": "Plan A\u3000. Ann left.",
    "narrow": "Plan A\u202f. Ann left.",
    "next line": "Plan A\x85. Ann left.",
    "several": "Plan A\u2009 \u3000. Ann left.",
    "an abbreviation": "See w.e.f\xa0. Ann left.",
    "behind the stop": "Ann left.\xa0Bob came.",
    "before an exclamation mark": "Bonjour\xa0! Ann est là.",
    "at the end": "Plan A\u2028.",
}


@pytest.mark.parametrize("language", ["en", "zh", "fr", "de", "ja"])
@pytest.mark.parametrize("text", WIDE_SPACES.values(), ids=WIDE_SPACES)
def test_a_wide_space_is_a_space(text: str, language: str) -> None:
    plain = "".join(" " if character.isspace() else character for character in text)
    sentences = split_sentences(text, language)
    assert "".join(sentence.text for sentence in sentences) == text
    expected = split_sentences(plain, language)
    assert [(s.start, s.end) for s in sentences] == [(s.start, s.end) for s in expected]


@given(st.text("AZbé.!。\xa0\u3000\x85\u2028 \n", max_size=12), st.sampled_from(["en", "zh", "fr"]))
def test_no_text_stops_the_library(text: str, language: str) -> None:
    assert "".join(sentence.text for sentence in split_sentences(text, language)) == text


@pytest.mark.parametrize(
    ("unit", "language"),
    [
        ("Anna left.\n\n", "en"),
        ("Anna left. \r\n \r\n", "en"),
        ("安娜走了。\n\n", "zh"),
        ("é.\n\n\n", "en"),
    ],
)
def test_long_texts_with_blank_lines_keep_their_offsets(unit: str, language: str) -> None:
    text = unit * (20_000 // len(unit))
    sentences = split_sentences(text, language)
    assert "".join(sentence.text for sentence in sentences) == text
    assert all(text[s.start : s.end] == s.text for s in sentences)
    assert {s.text.strip() for s in sentences} <= {unit.strip(), ""}


@given(st.from_regex(_PLAIN_SENTENCE, fullmatch=True), st.sampled_from(["en", "zh", "de"]))
def test_what_looks_like_one_plain_sentence_is_one(text: str, language: str) -> None:
    assert len(list(sentencex.segment(language, text))) <= 1


@pytest.mark.parametrize(
    "text", ["One. Two", "One! ", "One\ntwo", "U.S. forces", "one; two", "什么？", "a: b"]
)
def test_other_texts_are_left_to_the_library(text: str) -> None:
    assert not _PLAIN_SENTENCE.fullmatch(text)


LONG = {
    "quotes that never close": ("\"'“‘«„", 1),
    "a word": ("abc", 1),
    "Chinese without a stop": ("好", 1),
    "stops in numbers": ("3.5", 1),
    "sentences in open quotes": ("“Anna left. ", 1000),
    "lines in open quotes": ("“Anna left\n\n", 1000),
    "Chinese sentences in open quotes": ("“安娜走了。", 1000),
}


@pytest.mark.parametrize(("unit", "least"), LONG.values(), ids=LONG)
def test_a_very_long_text_is_read_in_blocks(unit: str, least: int) -> None:
    text = unit * (50_000 // len(unit))
    sentences = split_sentences(text, "en")
    assert "".join(sentence.text for sentence in sentences) == text
    assert all(text[s.start : s.end] == s.text for s in sentences)
    assert len(sentences) >= least


@pytest.mark.parametrize("unit", [unit for unit, _ in LONG.values()], ids=LONG)
def test_the_time_grows_with_the_text(unit: str) -> None:
    assert grows_linearly(lambda text: split_sentences(text, "en"), unit, 8_000)


def test_a_very_long_text_is_cut_where_a_sentence_ends() -> None:
    text = "“Ann paid 3.5 dollars and left. " * 500
    stretches = [text[start:stop] for start, stop in _blocks(text)]
    assert len(stretches) > 2
    assert {stretch[-6:] for stretch in stretches} == {"left. "}
