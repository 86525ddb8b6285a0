"""A file as copied text and units: what is translated, and how it is put into the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Translations: TypeAlias = Sequence[str | None]
"""One per text of a unit; None: it could not be translated."""


@dataclass(frozen=True)
class Unit:
    """A part of a file with texts to translate.

    Args:
        texts: What is translated; each has a letter.
        line: Line of the file on which it starts, from 1.
        source: What the part is in the file.
        write: Returns what the part becomes with these translations; the source if there are none.
    """

    texts: tuple[str, ...]
    line: int
    source: str
    write: Callable[[Translations], str]


Parts: TypeAlias = Sequence[str | Unit]


def single(text: str, line: int, source: str, write: Callable[[str], str]) -> Unit:
    """Return a unit with one text, which stays as it is if it is not translated or not changed."""

    def write_one(translations: Translations) -> str:
        (translation,) = translations
        return source if translation is None or translation == text else write(translation)

    return Unit((text,), line, source, write_one)


def source_of(parts: Parts) -> str:
    """Return the file that was read."""
    return "".join(part if isinstance(part, str) else part.source for part in parts)


def with_lines(parts: Sequence[str], n_before: int = 0) -> Iterator[tuple[int, str]]:
    """Yield parts of a file, each with the line on which it starts."""
    line = 1 + n_before
    for part in parts:
        yield line, part
        line += part.count("\n")
