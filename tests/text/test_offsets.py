from __future__ import annotations

from collections.abc import Callable

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from seqserve.choices import OffsetUnit
from seqserve.text.offsets import offset_table, unit_span
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


ACCENT, FLAG = "e\u0301", "🇫🇷"
# Text, code points of a span -> its grapheme clusters.
SPANS = {
    "whole clusters": (f"a{ACCENT}b", (1, 3), (1, 2)),
    "begins inside": (f"a{ACCENT}b", (2, 4), (1, 3)),
    "ends inside": (f"a{ACCENT}b", (0, 2), (0, 2)),
    "begins and ends inside of one": ("👩\u200d🚀", (1, 2), (0, 1)),
    "begins inside of one, ends inside of another": (f"{FLAG}x{FLAG}", (1, 4), (0, 3)),
    "begins inside of the last one": (f"a{ACCENT}", (2, 3), (1, 2)),
    "of a line break": ("a\r\nb", (2, 4), (1, 3)),
    "empty": (f"{ACCENT}a", (2, 2), (1, 1)),
    "empty, inside": (f"{ACCENT}a", (1, 1), (1, 1)),
    "empty, at the end": (f"{ACCENT}a", (3, 3), (2, 2)),
}


@pytest.mark.parametrize(("text", "place", "expected"), SPANS.values(), ids=SPANS)
def test_spans_of_clusters_are_widened(
    text: str, place: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert unit_span(offset_table(text, "grapheme"), *place) == expected


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "byte"])
def test_spans_of_finer_units_are_exact(unit: OffsetUnit) -> None:
    text = f"{FLAG}{ACCENT}\r\n👩\u200d🚀ab"
    table = offset_table(text, unit)
    for start in range(len(text)):
        for end in range(start, len(text) + 1):
            assert unit_span(table, start, end) == (table[start], table[end])


SIGNS = st.sampled_from("a1 .\r\n\u0308\u200d\ufe0f\u20e3\u0600\u1100\u1161\u11a8\u0903❤👩🚀🏽🇫🇷🇩")


@given(st.text(SIGNS | st.characters(max_codepoint=0x2FF), max_size=30))
def test_clusters_are_those_of_the_library(text: str) -> None:
    assert offset_table(text, "grapheme")[-1] == len(regex.findall(r"\X", text))


@given(st.text(SIGNS, min_size=1, max_size=12), st.data())
def test_a_span_of_clusters_is_the_smallest_that_holds_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = unit_span(offset_table(text, "grapheme"), start, end)
    clusters = regex.findall(r"\X", text)
    edges = [len("".join(clusters[:i])) for i in range(len(clusters) + 1)]
    assert edges[first] <= start < edges[first + 1] and edges[last - 1] < end <= edges[last]


@pytest.mark.parametrize("read", [lambda text: offset_table(text, "grapheme"), tokenize])
def test_many_flags_take_a_time_that_grows_with_the_text(read: Callable[[str], object]) -> None:
    assert grows_linearly(read, "🇫🇷", n_chars=2_000)
