"""Sentences that are too long for a model: cut into pieces, and their translations joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import regex

from seqserve.text.joining import between

_CLAUSE_END = regex.compile(r"[,;:，；：、—]\s*")
_SPACE = regex.compile(r"\s+")


def split_long(text: str, n_tokens: Callable[[str], int], limit: int) -> list[str]:
    """Halve a sentence that is too long, at a clause end or space near its middle, until all fit.

    Args:
        text: A sentence without outer white space.
        n_tokens: Counts the tokens of a piece.
        limit: Most tokens of a piece; a single character is never cut.

    Returns:
        The pieces; inner white space at the cuts goes with the piece before, and none is blank.
    """
    if len(text) < 2 or n_tokens(text) <= limit:
        return [text]
    middle = len(text) // 2
    for pattern in (_CLAUSE_END, _SPACE):
        cuts = [match.end() for match in pattern.finditer(text)]
        cuts = [cut for cut in cuts if len(text) // 5 < cut < len(text) - len(text) // 5]
        if cuts:
            middle = min(cuts, key=lambda cut: abs(cut - len(text) // 2))
            break
    halves = (text[:middle], text[middle:])
    return [piece for half in halves if half.strip() for piece in split_long(half, n_tokens, limit)]


def join_pieces(pieces: Sequence[str], target: str) -> str:
    """Put the translations of one long sentence's pieces together."""
    return between("", target).join(pieces)
