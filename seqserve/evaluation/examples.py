"""Choose and shorten the examples of errors in a report, deterministically."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MAX_CHARACTERS = 400


def spread(found: Sequence[T], n: int) -> list[T]:
    """Return `n` elements, evenly spaced, or all if there are fewer."""
    if len(found) <= n:
        return list(found)
    return [found[i * len(found) // n] for i in range(n)]


def shortened(text: str) -> str:
    """Return a text on one line; of a long one, beginning and end."""
    line = " ".join(text.split())
    if len(line) <= _MAX_CHARACTERS:
        return line
    half = _MAX_CHARACTERS // 2
    return f"{line[:half]} […] {line[-half:]}"
