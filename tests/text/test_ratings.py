from __future__ import annotations

import pytest

from seqserve.text.ratings import emoticon_words, rated_in_words, sign_word
from tests.timing import grows_linearly

RATINGS = {
    "5/5": "excellent",
    "1/5": "terrible",
    "0/5": "terrible",
    "2/5": "poor",
    "3/5": "decent",
    "10/10": "excellent",
    "7.5/10": "good",
    "7,5/10": "good",
    "1 / 10": "terrible",
    "5/10": "ok",
    "85/100": "good",
    "10 out of 10": "excellent",
    "1 out of 5": "terrible",
    "3/4 stars": "good",
    "1 star": "terrible",
    "5 stars": "excellent",
    "5-star": "excellent",
    "0 stars": "terrible",
    "2½ stars": "ok",
    "4 stars out of 5": "good",
    "4 of 5 stars": "good",
    "2 stars out of 10": "terrible",
    "one star": "terrible",
    "Five stars!": "excellent !",
    "five-star service": "excellent service",
    "I gave it two stars": "I gave it poor",
    "deserves zero stars": "deserves terrible",
    "★★☆☆☆": "poor",
    "★★★★★": "excellent",
    "★☆☆☆☆": "terrible",
    "★★★½": "good",
    "⭐⭐⭐⭐⭐": "excellent",
    "⭐️⭐️": "poor",
    "★ ★ ★ ★ ★": "excellent",
    "Fun film. 8/10.": "Fun film. good .",
    "(9/10)": "( excellent )",
    "10/10 would buy again": "excellent would buy again",
    "5★": "excellent",
    "1★": "terrible",
    "4.5 ★ film": "excellent film",
    "2⭐️ at most": "poor at most",
    "3½★": "good",
    "★½": "poor",
    "⭐½ Dull.": "poor Dull.",
    "3.5/4": "excellent",
    "1.5/4": "poor",
    "2½/4": "decent",
    "five out of five": "excellent",
    "Two out of ten.": "terrible .",
    "I give it seven out of ten": "I give it good",
    "three out of five stars": "decent",
    "zero out of ten!": "terrible !",
}


@pytest.mark.parametrize(("text", "expected"), RATINGS.items())
def test_ratings_are_words(text: str, expected: str) -> None:
    assert rated_in_words(text).split() == expected.split()


NO_RATINGS = [
    "on 5/10 we met",
    "5/10/2020",
    "9/11",
    "24/7",
    "6/5",
    "20/20 vision",
    "3/4 of a cup",
    "3/5 of the people",
    "9 out of 10 dentists agree",
    "1 out of 5 people",
    "in 5 of 10 cases",
    "the 2 stars of the film",
    "2 stars of the film",
    "her two stars",
    "the two stars are great",
    "the movie stars Tom Hanks",
    "$5/10",
    "version 3.5/10.2",
    "★ Favourite",
    "½★",
    "7★",
    "v2★x",
    "3/4",
    "nine out of ten people agree",
    "two out of five of them",
    "ten out of five",
    "out of ten",
    "1/5th",
    "5/5%",
    "one star of the show",
    "no rating at all",
]


@pytest.mark.parametrize("text", NO_RATINGS)
def test_what_is_no_rating_stays(text: str) -> None:
    assert rated_in_words(text) == text


SIGNS = {
    "👍": "great",
    "👎": "bad",
    "😀": "great",
    "😡": "awful",
    "❤": "wonderful",
    "😂": "funny",
    "💯": "excellent",
    "🥱": "boring",
    "👍👍👍": "great",
    "👍🏽": "great",
    "🙏": None,
    "😐": None,
    "x": None,
    "★": None,
    "日": None,
}


@pytest.mark.parametrize(("sign", "word"), SIGNS.items())
def test_emoji(sign: str, word: str | None) -> None:
    assert sign_word(sign) == word


EMOTICONS = {
    ":)": ("", "great"),
    ":-)": ("", "great"),
    ";)": ("", "great"),
    ":D": ("", "great"),
    ":')": ("", "great"),
    "xD": ("", "great"),
    "^_^": ("", "great"),
    "=)": ("", "great"),
    ":)))": ("", "great"),
    ":(": ("", "bad"),
    ":-(": ("", "bad"),
    ":'(": ("", "bad"),
    ":/": ("", "bad"),
    ">:(": ("", "bad"),
    "D:": ("", "bad"),
    "</3": ("", "bad"),
    "<3": ("", "wonderful"),
    "film:)": ("film", "great"),
    "film.:(": ("film.", "bad"),
    "8)": None,
    "--": None,
    "note:": None,
    "http://x": None,
    "C:\\": None,
    "(a)": None,
    "12:)": None,
    "x": None,
    "D": None,
}


@pytest.mark.parametrize(("pre_token", "expected"), EMOTICONS.items())
def test_emoticons(pre_token: str, expected: tuple[str, str] | None) -> None:
    assert emoticon_words(pre_token) == expected


@pytest.mark.parametrize(
    "unit",
    [
        "5",
        "5/",
        "1 star",
        "★",
        "★ ",
        "five ",
        "gave ",
        ":)",
        "5 of ",
        "x:(",
        ":)x",
        "12/10 ",
        "give a ",
    ],
)
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    assert grows_linearly(lambda text: (rated_in_words(text), emoticon_words(text)), unit)
