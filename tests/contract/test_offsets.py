"""`text[start:end] == entity.text`, whatever the text and the unit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqserve.choices import OffsetUnit
from seqserve.records import NerItem
from seqserve.runtime import open_engine

ENGINE = open_engine(Path(__file__).parents[2] / "bundles" / "ner-en")
NAMES = st.sampled_from(
    [
        "Angela Merkel",
        "Zu\u0308rich",
        "\U0001f600",
        "New York",
        "IBM",
        "东京",
        "\u200f",
        "\r\n",
        ". ",
        "e\u0301",
    ]
)
TEXTS = st.lists(NAMES | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=8)


def cut(text: str, start: int, end: int, unit: OffsetUnit) -> str:
    if unit == "codepoint":
        return text[start:end]
    encoding, width = ("utf-16-le", 2) if unit == "utf16" else ("utf-8", 1)
    return text.encode(encoding)[start * width : end * width].decode(encoding)


@pytest.mark.parametrize("unit", ["codepoint", "utf16", "byte"])
@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_offsets_cut_the_entity_out(unit: OffsetUnit, pieces: list[str]) -> None:
    text = " ".join(pieces)
    entities = ENGINE.predict([NerItem(text, offset_unit=unit)])[0].entities
    end = 0
    for entity in entities:
        assert cut(text, entity.start, entity.end, unit) == entity.text != ""
        assert entity.start >= end
        assert 0 <= entity.score <= 1 and entity.label in ENGINE.bundle.manifest.labels
        end = entity.end


@pytest.mark.parametrize("filler", ["\n\n", "\n\n\U0001f600 ", ". 北京。\n\n"])
def test_entities_of_long_texts_are_whole_words(filler: str) -> None:
    text = f"Angela Merkel left Berlin.{filler}" * (19_000 // (26 + len(filler)))
    entities = ENGINE.predict([NerItem(text)])[0].entities
    assert len(entities) > 500
    assert all(text[e.start - 1 : e.start].strip() in ("", "。") for e in entities)
    assert {e.text for e in entities} <= {"Angela Merkel", "Berlin", "Angela", "Merkel"}


def test_units_differ_where_the_text_is_wide() -> None:
    text = "\U0001f600\U0001f600 Angela Merkel"
    starts = [
        ENGINE.predict([NerItem(text, offset_unit=unit)])[0].entities[0].start
        for unit in ("codepoint", "utf16", "byte")
    ]
    assert starts == [3, 5, 9]
