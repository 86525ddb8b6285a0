from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.text.tags import Span, TagScheme, spans_of, tags_of

CASES = {
    "none": ("O O", []),
    "one": ("O B-PER I-PER O", [Span(1, 3, "PER")]),
    "to the end": ("B-LOC I-LOC", [Span(0, 2, "LOC")]),
    "neighbours": ("B-PER B-PER I-PER", [Span(0, 1, "PER"), Span(1, 3, "PER")]),
    "other label": ("B-PER I-LOC", [Span(0, 1, "PER"), Span(1, 2, "LOC")]),
    "inside first": ("I-ORG O", [Span(0, 1, "ORG")]),
    "empty": ("", []),
}


@pytest.mark.parametrize(("tags", "spans"), CASES.values(), ids=CASES)
def test_spans_of(tags: str, spans: list[Span]) -> None:
    assert spans_of(tags.split()) == spans


@st.composite
def spans_and_length(draw: st.DrawFn) -> tuple[list[Span], int]:
    cuts = sorted(draw(st.sets(st.integers(0, 12), min_size=2)))
    pairs = [(a, b) for a, b in pairwise(cuts) if draw(st.booleans())]
    return [Span(a, b, draw(st.sampled_from(["PER", "LOC"]))) for a, b in pairs], cuts[-1]


@given(spans_and_length())
def test_tags_and_spans_are_inverse(case: tuple[list[Span], int]) -> None:
    spans, n_tokens = case
    assert spans_of(tags_of(spans, n_tokens)) == spans


def test_scheme_numbers_and_allows() -> None:
    scheme = TagScheme(["PER", "LOC"])
    assert scheme.tags == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert [scheme.id_of(tag) for tag in scheme.tags] == list(range(len(scheme)))
    first, moves = scheme.allowed()
    assert [tag for tag, ok in zip(scheme.tags, first, strict=True) if ok] == [
        "O",
        "B-PER",
        "B-LOC",
    ]
    into_inside_per = [tag for tag, ok in zip(scheme.tags, moves[:, 2], strict=True) if ok]
    assert into_inside_per == ["B-PER", "I-PER"]
    assert moves[:, [0, 1, 3]].all()
