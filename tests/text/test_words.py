from __future__ import annotations

import threading
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text import words
from seqserve.text.words import (
    MAX_KEPT_CHARS,
    Token,
    cached,
    fold,
    map_cached,
    normalize_token,
    pre_tokens,
    tokenize,
)

CASES = {
    "plain": ("Harry met Hermione.", "Harry|met|Hermione|."),
    "clitics": ("Tom's don't can't we’ll", "Tom|'s|do|n't|ca|n't|we|’ll"),
    "every apostrophe": (
        "isn’t isnʼt isn′t isn＇t isn´t isn`t isn‘t",
        "is|n’t|is|nʼt|is|n′t|is|n＇t|is|n´t|is|n`t|is|n‘t",
    ),
    "clitics by every apostrophe": ("Tom’s Tomʼs Tom`s he´ll", "Tom|’s|Tom|ʼs|Tom|`s|he|´ll"),
    "no apostrophes": ("5′10 `code` x′ ``x''", "5|′|10|`|code|`|x|′|``|x|''"),
    "inner apostrophes": ("O’Neil Hawaiʻi O`Brien", "O’Neil|Hawaiʻi|O`Brien"),
    "soft hyphens": ("An\u00adge\u00adla do\u00adn't", "An\u00adge\u00adla|do|n't"),
    "zero width inside": (
        "Mer\u200bkel a\u2060b c\ufeffd e\u200df",
        "Mer\u200bkel|a\u2060b|c\ufeffd|e\u200df",
    ),
    "invisible at the edges": ("\u200bPar\u200bis\u200b \u202ax\u202c", "Par\u200bis|x"),
    "invisible in numbers": ("10\u200b,\u200b000", "10\u200b,\u200b000"),
    "NUL and controls": ("Lon\x00don \x07x\x1b", "Lon\x00don|x"),
    "information separators": ("a\x1fb\x1cc", "a|b|c"),
    "invisible only": ("\u200b \ufeff \u00ad", ""),
    "a variation selector": ("I ❤\ufe0f x", "I|❤\ufe0f|x"),
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


def is_skipped(text: str) -> bool:
    """Return whether a text has white space and invisible characters only."""
    return fold(text).strip() == ""


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_tokens_are_slices_in_order_and_miss_only_what_is_invisible(text: str) -> None:
    end = 0
    for token in tokenize(text):
        assert text[token.start : token.end] == token.text != ""
        assert is_skipped(text[end : token.start])
        end = token.end
    assert is_skipped(text[end:])


@pytest.mark.parametrize("text", ["Zürich café naïve", "Ångström à Đà Nẵng", "한국어 각"])
def test_composed_and_decomposed_spellings_give_the_same_forms(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert composed != decomposed
    normalized_tokens = [token.form for token in tokenize(composed)]
    assert [token.form for token in tokenize(decomposed)] == normalized_tokens
    assert all(unicodedata.is_normalized("NFC", form) for form in normalized_tokens)


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
    assert normalize_token("Abc-2024 ٣") == "abc-0000 0"


@given(
    st.text(
        st.sampled_from(
            "aZé\u0301'’ntU.s-–_0٣,:/@#中あ\u200d\U0001f44d\U0001f3fd \t\n\x1f\x85\xa0"
        ),
        max_size=40,
    )
)
def test_stretch_by_stretch_gives_what_the_whole_text_gives(text: str) -> None:
    assert tokenize(text) == [Token(*token) for token in words._cut(text)]


def test_a_token_never_holds_white_space() -> None:
    """A grapheme cluster can: U+0600 includes the next character, whatever it is."""
    assert tokenize("\u0600 a") == [Token("\u0600", 0, 1), Token("a", 2, 3)]


def test_offsets_count_from_where_the_text_begins() -> None:
    assert tokenize("it's  it's", 7) == [
        Token("it", 7, 9),
        Token("'s", 9, 11),
        Token("it", 13, 15),
        Token("'s", 15, 17),
    ]


def test_stretches_are_what_white_space_leaves() -> None:
    assert pre_tokens(" a\u2003b-c\r\nd. ") == ["a", "b-c", "d."]
    assert pre_tokens(" \n") == []


def test_short_strings_are_read_once_and_long_ones_are_not_kept() -> None:
    seen = []

    def read(string: str) -> int:
        seen.append(string)
        return len(string)

    cached_read = cached(read)
    long = "x" * (MAX_KEPT_CHARS + 1)
    for _ in range(2):
        assert list(map_cached(["a", "bc", "a"], read, cached_read)) == [1, 2, 1]
        assert list(map_cached(["a", long], read, cached_read)) == [1, len(long)]
    assert seen == ["a", "bc", long, long]
    assert list(map_cached([], read, cached_read)) == []


def test_threads_share_what_is_kept() -> None:
    texts = [f"word{i} isn't {i},000 U.S." for i in range(400)]
    expected = [tokenize(text) for text in texts]
    found: list[list[list[Token]]] = []
    threads = [
        threading.Thread(target=lambda: found.append([tokenize(text) for text in texts]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


FORMS = {
    "apostrophes": ("n’t", "n't"),
    "a letter that is an apostrophe": ("Hawaiʻi", "Hawai'i"),
    "a quotation mark alone": ("’", "’"),
    "an acute accent alone": ("´", "´"),
    "soft hyphens": ("An\u00adgela", "Angela"),
    "zero-width joiners": ("Mer\u200d\u200bkel", "Merkel"),
    "NUL": ("Lon\x00don", "London"),
    "full width": ("Ｐａｒｉｓ", "Paris"),
    "mathematical letters": ("𝐏𝐚𝐫𝐢𝐬", "Paris"),
    "ligatures": ("ﬁlm", "film"),
    "an emoji with a selector": ("❤\ufe0f", "❤"),
    "decomposed": ("cafe\u0301", "café"),
    "plain": ("Paris", "Paris"),
    "a backtick": ("`", "`"),
}


@pytest.mark.parametrize(("token", "form"), FORMS.values(), ids=FORMS)
def test_fold(token: str, form: str) -> None:
    assert fold(token) == form
