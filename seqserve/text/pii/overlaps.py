"""Spans that overlap: keep the one that comes first, and what it leaves of a name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

import regex

_OTHER_THAN_WORDS = regex.compile(r"[^\p{L}\p{M}\p{N}]")


class HasPlace(Protocol):
    """Anything from `start` to before `end`."""

    @property
    def start(self) -> int:
        """The first code point."""

    @property
    def end(self) -> int:
        """One past the last code point."""


Span = TypeVar("Span", bound=HasPlace)


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Return spans in text order, without those that overlap an earlier one of the input."""
    kept: list[Span] = []
    for span in spans:
        index = bisect_left(kept, span.end, key=lambda one: one.start)
        if index == 0 or kept[index - 1].end <= span.start:
            kept.insert(index, span)
    return kept


def uncovered(
    text: str, start: int, end: int, covered: Sequence[HasPlace]
) -> Iterator[tuple[int, int]]:
    """Yield the parts of a span that none of other spans covers, in order.

    White space and punctuation at a cut belong to no part: of `Ann <ann@example.com>`, only `Ann` is left
    beside the address.

    Args:
        text: Of the spans.
        start: Of the span.
        end: Of the span.
        covered: In text order, without overlaps.
    """
    first = bisect_right(covered, start, key=lambda one: one.end)
    is_cut = False
    for one in islice(covered, first, None):
        if one.start >= end:
            break
        yield from _trimmed(text, start, one.start, is_cut, True)
        start, is_cut = one.end, True
    yield from _trimmed(text, start, end, is_cut, False)


def _trimmed(
    text: str, start: int, end: int, is_start_cut: bool, is_end_cut: bool
) -> Iterator[tuple[int, int]]:
    """Yield a part without what is no word at its cuts, unless nothing is left."""
    while is_start_cut and start < end and _OTHER_THAN_WORDS.match(text, start):
        start += 1
    while is_end_cut and start < end and _OTHER_THAN_WORDS.match(text, end - 1):
        end -= 1
    if start < end:
        yield start, end
