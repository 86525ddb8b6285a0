from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.words import lookup_form, tokenize

CASES = {
    "plain": ("Harry met Hermione.", "Harry|met|Hermione|."),
    "clitics": ("Tom's don't can't we’ll", "Tom|'s|do|n't|ca|n't|we|’ll"),
    "inner apostrophe": ("Shi'ite O'Brien's dogs'", "Shi'ite|O'Brien|'s|dogs|'"),
    "hyphen": ("al-Qaida co-op - x", "al-Qaida|co-op|-|x"),
    "acronym": ("the U.S. and e.g. this.", "the|U.S.|and|e.g.|this|."),
    "numbers": ("10,000 at 12:30, 3.5!", "10,000|at|12:30|,|3.5|!"),
    "handles": ("@me #tag a@b", "@me|#tag|a|@b"),
    "runs of signs": ("wait... -- ``x''", "wait|...|--|``|x|''"),
    "joined emoji": ("ok \U0001f469\u200d\U0001f52c", "ok|\U0001f469\u200d\U0001f52c"),
    "emoji with skin tone": ("x\U0001f44d\U0001f3fd", "x|\U0001f44d\U0001f3fd"),
    "combining": ("cafe\u0301s", "cafe\u0301s"),
    "cjk": ("在北京 ab", "在|北|京|ab"),
    "rtl": ("\u0634\u0643\u0631\u0627 x", "\u0634\u0643\u0631\u0627|x"),
    "line ends": ("a\r\nb\u2028c", "a|b|c"),
    "white space only": (" \t\r\n\u3000", ""),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_tokens(text: str, expected: str) -> None:
    assert "|".join(token.text for token in tokenize(text)) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_tokens_are_slices_in_order_and_miss_only_white_space(text: str) -> None:
    end = 0
    for token in tokenize(text):
        assert text[token.start : token.end] == token.text != ""
        assert text[end : token.start].strip() == ""
        end = token.end
    assert text[end:].strip() == ""


@pytest.mark.parametrize("text", ["Zürich café naïve", "Ångström à Đà Nẵng", "한국어 각"])
def test_composed_and_decomposed_spellings_give_the_same_forms(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert composed != decomposed
    forms = [token.form for token in tokenize(composed)]
    assert [token.form for token in tokenize(decomposed)] == forms
    assert all(unicodedata.is_normalized("NFC", form) for form in forms)


HOSTILE = ["a", "U.", "a-", "n't", "e\u0301", "'s", "..", "\u200d", "1,", "a中", "aあ", "n中't"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    def seconds(n: int) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            tokenize(unit * n)
            best = min(best, time.process_time() - start)
        return best

    short, long = seconds(4_000), seconds(32_000)
    assert long < 30 * max(short, 1e-4)  # linear is 8, quadratic 64


def test_lookup_form_folds_case_and_digits() -> None:
    assert lookup_form("Abc-2024 ٣") == "abc-0000 0"
