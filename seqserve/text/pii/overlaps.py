"""Of spans that overlap, keep the one that comes first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Protocol, TypeVar


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
