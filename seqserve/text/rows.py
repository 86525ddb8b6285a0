"""Rows of tokens, as a tagger reads them: overlapping windows, and borders that no entity goes over."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from seqserve.text.words import Token


class TokenRow(NamedTuple):
    """A sentence or a window of one.

    Args:
        tokens: At least one.
        start: First code point that the row decides: of the entities that the model finds in it, those
            count that begin from `start` to before `end`. The rest is context, which another row decides.
        end: One past the last code point that the row decides.
        borders: Token indices in order; no entity includes both the token at an index and the one before.
    """

    tokens: Sequence[Token]
    start: int
    end: int
    borders: Sequence[int] = ()

    def decides(self, start: int) -> bool:
        """Return whether an entity that begins at this code point counts."""
        return self.start <= start < self.end

    def n_decided(self) -> int:
        """Return how many tokens the row decides."""
        if self.start <= self.tokens[0].start and self.tokens[-1].end <= self.end:
            return len(self.tokens)
        return bisect_left(self.tokens, self.end, key=_start) - bisect_left(
            self.tokens, self.start, key=_start
        )

    def crossed(self, start: int, end: int) -> Sequence[int]:
        """Return the borders that an entity of the tokens start..end-1 would go over."""
        return [border for border in self.borders if start < border < end]

    def split(self, borders: Collection[int]) -> Iterator[TokenRow]:
        """Cut the row at some of its borders."""
        edges = [0, *sorted(borders), len(self.tokens)]
        for first, last in pairwise(edges):
            inner = [border - first for border in self.borders if first < border < last]
            yield TokenRow(self.tokens[first:last], self.start, self.end, inner)


def windows(
    tokens: Sequence[Token], width: int, marks: Sequence[tuple[int, int]] = ()
) -> Iterator[TokenRow]:
    """Cut a sentence into rows of at most `width` tokens, which overlap by a quarter.

    Every token is decided by the row in which it is farther from an end.

    Args:
        tokens: Of one sentence.
        width: The most tokens of a row, at least 1; below 4, rows do not overlap.
        marks: (start, end) of what no entity may contain, code points in order.
    """
    if 0 < len(tokens) <= width and not marks:  # nearly always
        yield TokenRow(tokens, tokens[0].start, tokens[-1].end)
        return
    overlap = width // 4
    start = 0
    for first in range(0, max(len(tokens) - overlap, 1), width - overlap):
        row = tokens[first : first + width]
        if not row:
            return
        is_last = first + width >= len(tokens)
        end = row[-1].end if is_last else tokens[first + width - (overlap + 1) // 2].start
        yield TokenRow(row, start or row[0].start, end, _borders(row, marks))
        start = end


def sized_windows(
    tokens: Sequence[Token],
    sizes: Sequence[int],
    width: int,
    marks: Sequence[tuple[int, int]] = (),
) -> Iterator[TokenRow]:
    """Cut a sentence as `windows` does, where tokens have sizes of their own.

    Args:
        tokens: Of one sentence.
        sizes: Of the tokens, at least 1.
        width: The greatest size of a row; of a row of one token, it may be greater.
        marks: (start, end) of what no entity may contain, code points in order.
    """
    edges = list(accumulate(sizes, initial=0))
    first, start = 0, tokens[0].start if tokens else 0
    while first < len(tokens):
        last = max(first + 1, bisect_right(edges, edges[first] + width) - 1)
        row = tokens[first:last]
        if last == len(tokens):
            yield TokenRow(row, start, row[-1].end, _borders(row, marks))
            return
        following = max(first + 1, bisect_left(edges, edges[last] - width // 4))
        end = tokens[(following + last + 1) // 2].start
        yield TokenRow(row, start, end, _borders(row, marks))
        first, start = following, end


def _borders(tokens: Sequence[Token], marks: Sequence[tuple[int, int]]) -> list[int]:
    """Return the indices of the tokens before which there is a mark, and before and behind it if it is one."""
    inside = marks[bisect_left(marks, (tokens[0].start,)) : bisect_left(marks, (tokens[-1].end,))]
    borders = set()
    for start, end in inside:
        borders.add(bisect_left(tokens, start, key=_start))
        borders.add(bisect_left(tokens, end, key=_start))
    return sorted(borders - {0, len(tokens)})


def _start(token: Token) -> int:
    return token.start
