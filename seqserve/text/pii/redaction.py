"""Redact spans of a text: by a character, by a name with a number, or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

MaskKind: TypeAlias = Literal["character", "name", "none"]
_BRACKETED = re.compile(r"\[[^\[\]]+\]")


@dataclass(frozen=True)
class Mask:
    """How a span is redacted.

    Args:
        kind: `character`: each unit of the span becomes one; `name`: `[PERSON_1]`, with one number for equal
            texts of a name, and none that is in the text already; `none`: the span stays.
        character: Of the first kind; one code point that is one unit.
        n_kept: Code points that stay, of the first kind.
        keeps_end: Whether those are the last ones, or the first.
    """

    kind: MaskKind = "character"
    character: str = "*"
    n_kept: int = 0
    keeps_end: bool = True


@dataclass(frozen=True)
class Redaction:
    """A span that is to be redacted, from `start` to before `end` in code points."""

    start: int
    end: int
    name: str
    mask: Mask


@dataclass(frozen=True)
class Redacted:
    """A redacted text, and where in it, in code points, the masks of the spans are."""

    text: str
    places: Sequence[tuple[int, int]]


def redact(text: str, redactions: Sequence[Redaction], offsets: Sequence[int]) -> Redacted:
    """Redact a text.

    Args:
        text: Any text.
        redactions: In text order, without overlaps.
        offsets: `offset_table` of the text: a mask of characters has as many units as what it hides, so that
            the places behind it stay the same in that unit.
    """
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    has_names = any(one.mask.kind == "name" for one in redactions)
    names = _Names(frozenset(_BRACKETED.findall(text) if has_names else ()))
    done = length = 0
    for one in redactions:
        before, mask = text[done : one.start], _masked(text, one, offsets, names)
        places.append((length + len(before), length + len(before) + len(mask)))
        parts += before, mask
        length, done = places[-1][1], one.end
    return Redacted("".join([*parts, text[done:]]), places)


class _Names:
    """The masks that are names with numbers.

    Args:
        taken: What is in the text already, and so can be no mask.
    """

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._masks: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}

    def mask_of(self, name: str, hidden: str) -> str:
        """Return the mask of a text: of equal ones the same, of others with the next number that is free."""
        if (name, hidden) not in self._masks:
            number = self._numbers.get(name, 0) + 1
            while f"[{name.upper()}_{number}]" in self._taken:
                number += 1
            self._numbers[name] = number
            self._masks[name, hidden] = f"[{name.upper()}_{number}]"
        return self._masks[name, hidden]


def _masked(text: str, one: Redaction, offsets: Sequence[int], names: _Names) -> str:
    """Return what stands in the place of a span; `names` has the masks of those before it."""
    hidden, mask = text[one.start : one.end], one.mask
    if mask.kind == "none":
        return hidden
    if mask.kind == "name":
        return names.mask_of(one.name, hidden)
    n_kept = min(mask.n_kept, len(hidden))
    start, end = (one.start, one.end - n_kept) if mask.keeps_end else (one.start + n_kept, one.end)
    return (
        text[one.start : start]
        + mask.character * (offsets[end] - offsets[start])
        + text[end : one.end]
    )
