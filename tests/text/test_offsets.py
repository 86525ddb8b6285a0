from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.offsets import offset_table


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_tables_count_what_the_encodings_count(text: str) -> None:
    for i in range(len(text) + 1):
        assert offset_table(text, "codepoint")[i] == i
        assert offset_table(text, "utf16")[i] == len(text[:i].encode("utf-16-le")) // 2
        assert offset_table(text, "byte")[i] == len(text[:i].encode("utf-8"))
