from __future__ import annotations

import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from seqserve.text.normal import MAX_MARKS, normalize
from tests.timing import grows_linearly

LETTERS = "aé각ᄀ가ｶﾞﬁ①क़ षि 中"
MARKS = "\u0301\u0316\u0323\u3099\u093c\u0345"


@given(st.text(st.sampled_from(LETTERS + MARKS), max_size=300))
@example("a" * MAX_MARKS + "\u0316\uff9e")
@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_ordinary_text_becomes_what_the_standard_says(form: str, text: str) -> None:
    mark = r"[\p{M}\uFF9E\uFF9F]"
    ordinary = regex.sub(rf"({mark}{{{MAX_MARKS}}}){mark}+", r"\1", text)
    assert normalize(form, ordinary) == unicodedata.normalize(form, ordinary)  # type: ignore[arg-type]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
def test_any_text(text: str) -> None:
    assert normalize("NFC", text) == unicodedata.normalize("NFC", text)


def test_of_a_long_run_of_marks_no_mark_is_lost() -> None:
    text = "A" + "\u0301\u0316" * 500 + "x"
    found = normalize("NFC", text)
    assert found[0] == "Á" and found[-1] == "x"
    assert unicodedata.normalize("NFD", found) == unicodedata.normalize("NFD", text)


def test_the_time_grows_with_the_text() -> None:
    assert grows_linearly(lambda marks: normalize("NFC", f"A{marks}"), "\u0301\u0316")
