from __future__ import annotations

from itertools import pairwise

import numpy as np
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


@pytest.mark.parametrize("labels", [[], ["PER"], ["PER", "LOC", "ORG"]], ids=len)
def test_the_inside_tag_makes_an_entity_longer(labels: list[str]) -> None:
    scheme = TagScheme(labels)
    inside = scheme.inside_tags()
    assert len(inside) == len(scheme)
    for tag, longer in zip(scheme.tags, inside, strict=True):
        assert (scheme.tags[longer] if longer >= 0 else None) == (
            None if tag == "O" else f"I-{tag[2:]}"
        )


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 12))
def test_spans_of_a_batch_are_those_of_its_rows(seed: int, n_rows: int, n_tokens: int) -> None:
    scheme = TagScheme(["PER", "LOC"])
    rng = np.random.default_rng(seed)
    tags = rng.integers(0, len(scheme), (n_rows, n_tokens))  # legal or not, padding included
    lengths = rng.integers(1, n_tokens + 1, n_rows)
    spans = scheme.spans(tags, lengths)
    columns = (spans.row, spans.start, spans.end, spans.label)
    found = list(zip(*(column.tolist() for column in columns), strict=True))
    assert found == [
        (row, span.start, span.end, scheme.labels.index(span.label))
        for row, n in enumerate(lengths)
        for span in spans_of([scheme.tags[tag] for tag in tags[row, :n]])
    ]


def test_a_batch_without_rows_has_no_spans() -> None:
    spans = TagScheme(["PER"]).spans(np.zeros((0, 3), np.int64), np.zeros(0, np.int64))
    assert len(spans.row) == len(spans.end) == 0
