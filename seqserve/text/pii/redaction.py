"""Redact spans of a text: by a character, by a name with a number, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

MaskKind: TypeAlias = Literal["character", "name", "none"]


@dataclass(frozen=True)
class Mask:
    """How a span is redacted.

    Args:
        kind: `character`: each unit of the span becomes one; `name`: `[PERSON_1]`, with one number for equal
            texts of a name; `none`: the span stays.
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
    names: dict[str, dict[str, str]] = {}  # name → text → mask
    done = length = 0
    for one in redactions:
        before, mask = text[done : one.start], _masked(text, one, offsets, names)
        places.append((length + len(before), length + len(before) + len(mask)))
        parts += before, mask
        length, done = places[-1][1], one.end
    return Redacted("".join([*parts, text[done:]]), places)


def _masked(
    text: str, one: Redaction, offsets: Sequence[int], names: dict[str, dict[str, str]]
) -> str:
    """Return what stands in the place of a span; `names` has the masks of those before it."""
    hidden, mask = text[one.start : one.end], one.mask
    if mask.kind == "none":
        return hidden
    if mask.kind == "name":
        masks = names.setdefault(one.name, {})
        return masks.setdefault(hidden, f"[{one.name.upper()}_{len(masks) + 1}]")
    n_kept = min(mask.n_kept, len(hidden))
    start, end = (one.start, one.end - n_kept) if mask.keeps_end else (one.start + n_kept, one.end)
    return (
        text[one.start : start]
        + mask.character * (offsets[end] - offsets[start])
        + text[end : one.end]
    )
