"""Which errors a reader gets to see: always the same, from the whole set, none too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MAX_CHARACTERS = 400


def spread(found: Sequence[T], n: int) -> list[T]:
    """Give `n` of what was found, evenly spaced, or all if there are fewer."""
    if len(found) <= n:
        return list(found)
    return [found[i * len(found) // n] for i in range(n)]


def shortened(text: str) -> str:
    """Give a text on one line, its middle left out where it is long."""
    line = " ".join(text.split())
    if len(line) <= _MAX_CHARACTERS:
        return line
    half = _MAX_CHARACTERS // 2
    return f"{line[:half]} […] {line[-half:]}"
