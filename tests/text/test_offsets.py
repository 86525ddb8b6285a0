from __future__ import annotations

from collections.abc import Callable

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.offsets import offset_table
from seqserve.text.words import tokenize
from tests.timing import grows_linearly


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_tables_count_what_the_encodings_count(text: str) -> None:
    for i in range(len(text) + 1):
        assert offset_table(text, "codepoint")[i] == i
        assert offset_table(text, "utf16")[i] == len(text[:i].encode("utf-16-le")) // 2
        assert offset_table(text, "byte")[i] == len(text[:i].encode("utf-8"))


CLUSTERS = {
    "ascii": ["a", "b"],
    "a line break": ["a", "\r\n", "\n", "\r"],
    "an accent": ["Z", "u\u0308", "r"],
    "flags": ["🇫🇷", "🇩🇪", "🇫"],
    "a flag with a selector": ["🇫🇷\ufe0f", "🇩"],
    "an emoji of several": ["👩\u200d🚀", "👍🏽", "❤\ufe0f"],
    "a keycap": ["1\ufe0f\u20e3", "1"],
    "hangul": ["\u1100\u1161\u11a8", "각"],
    "devanagari": ["कि", "ता"],
    "a prefix of digits": ["\u06001", "2"],
}


@pytest.mark.parametrize("name", CLUSTERS)
def test_clusters_are_counted_from_start_to_end(name: str) -> None:
    clusters = CLUSTERS[name]
    table = offset_table("".join(clusters), "grapheme")
    place = 0
    for index, cluster in enumerate(clusters):
        assert table[place] == index
        assert all(n == index + 1 for n in table[place + 1 : place + len(cluster)])
        place += len(cluster)
    assert list(table[place:]) == [len(clusters)]


SIGNS = st.sampled_from("a1 .\r\n\u0308\u200d\ufe0f\u20e3\u0600\u1100\u1161\u11a8\u0903❤👩🚀🏽🇫🇷🇩")


@given(st.text(SIGNS | st.characters(max_codepoint=0x2FF), max_size=30))
def test_clusters_are_those_of_the_library(text: str) -> None:
    assert offset_table(text, "grapheme")[-1] == len(regex.findall(r"\X", text))


@pytest.mark.parametrize("read", [lambda text: offset_table(text, "grapheme"), tokenize])
def test_many_flags_take_a_time_that_grows_with_the_text(read: Callable[[str], object]) -> None:
    assert grows_linearly(read, "🇫🇷", n_chars=2_000)
