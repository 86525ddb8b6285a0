"""Passages: the parts of a document that are translated, with the markup inside of them as placeholders.

A reader cuts a document into strings, which are copied, and passages. Joined, the strings and the sources of
the passages are the document. A placeholder stands for markup in the text of a passage. A translation in
which the placeholders do not have their order and number is not used: the text between them is translated
piece by piece instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import regex

from seqserve.text.scripts import CJK

Role: TypeAlias = Literal["open", "close", "alone"]


@dataclass(frozen=True)
class Markup:
    """Part of a passage that is copied.

    Args:
        source: What it is in the document.
        role: `open` and `close` are a pair around text; every `close` has its `open` in the same passage.
        target: What stands for it in the translation, without escapes; None: the source as it is.
    """

    source: str
    role: Role = "alone"
    target: str | None = None


Part: TypeAlias = str | Markup


def _same(text: str) -> str:
    return text


@dataclass(frozen=True)
class Passage:
    """A part of a document to translate.

    Args:
        source: What it is in the document.
        parts: Its text without escapes, and the markup, in order.
        escape: Makes translated text a part of the document.
    """

    source: str
    parts: tuple[Part, ...]
    escape: Callable[[str], str] = field(default=_same, compare=False)

    @property
    def has_letters(self) -> bool:
        """Whether there is anything to translate."""
        return any(isinstance(part, str) and has_letters(part) for part in self.parts)


Document: TypeAlias = Sequence[str | Passage]

_LETTER = regex.compile(r"\p{L}")
_UNSPACED = regex.compile(rf"[{CJK}]")
_WORD = regex.compile(r"[A-Za-z]{1,12}")
_NAMELESS = "x"
_START = "${"
_PLACEHOLDER = regex.compile(r"(\$\{[a-z]{1,12}\d+\})")


def has_letters(text: str) -> bool:
    """Return whether a text has a letter."""
    return _LETTER.search(text) is not None


def source_of(document: Document) -> str:
    """Return the document that was read."""
    return "".join(part if isinstance(part, str) else part.source for part in document)


@dataclass(frozen=True)
class Masked:
    """A passage as one text.

    Args:
        passage: The passage.
        text: Its text with placeholders, such as `${server1}` for the term "server" and `${b2}` for `<b>`. Of
            13 forms, the shipped model copied this one most often: of 102 sentences with two or three of
            them, it lost one in two, and confused none. It lost `${t1}` in six and confused it in four.
        placeholders: One per markup, in order.
    """

    passage: Passage
    text: str
    placeholders: tuple[str, ...]

    def restore(self, translation: str) -> str | None:
        """Replace the placeholders of a translation by what they stand for.

        Args:
            translation: Of `text`.

        Returns:
            A part of the document; None if a placeholder is missing, occurs twice or is unknown, a pair is
            crossed, or a pair lost its text.
        """
        marks = _marks(self.passage)
        if not marks:
            is_same = translation == self.text
            return self.passage.source if is_same else self.passage.escape(translation)
        if translation == self.text and all(mark.target is None for mark in marks):
            return self.passage.source
        parts = self._parts(translation)
        if parts is None or not _is_valid(self.passage, parts):
            return None
        return write(self.passage, parts)

    def _parts(self, translation: str) -> list[Part] | None:
        """Return a translation as text and markup; None if a placeholder is unknown or occurs twice."""
        if translation.count(_START) != self.text.count(_START):
            return None
        marks = dict(zip(self.placeholders, _marks(self.passage), strict=True))
        parts: list[Part] = [""]
        seen = set()
        for piece in _PLACEHOLDER.split(translation):
            mark = marks.get(piece)
            if mark is None:
                parts[-1] = f"{parts[-1]}{piece}"
            elif piece in seen:
                return None
            else:
                parts += [mark, ""]
                seen.add(piece)
        return _closed_up(parts)


def _closed_up(parts: list[Part]) -> list[Part]:
    """Return parts without the spaces around terms, in a script that has none between words.

    Args:
        parts: Texts, and between two texts one markup.
    """
    said = [part.target or "" if isinstance(part, Markup) else part for part in parts]
    for index, part in enumerate(parts):
        if not isinstance(part, str):
            continue
        text = part
        is_after_term = index > 0 and _UNSPACED.match(said[index - 1][-1:])
        is_before_term = index + 1 < len(parts) and _UNSPACED.match(said[index + 1][:1])
        if is_after_term and _UNSPACED.match(text.lstrip(" ")[:1] or _first(said, index + 1)):
            text = text.lstrip(" ")
        if is_before_term and _UNSPACED.match(text.rstrip(" ")[-1:]):
            text = text.rstrip(" ")
        parts[index] = text
    return parts


def _first(texts: Sequence[str], index: int) -> str:
    """Return the first character of a text, if there is one."""
    return texts[index][:1] if index < len(texts) else ""


def mask(passage: Passage) -> Masked:
    """Return a passage as one text, with a placeholder for each markup."""
    text = "".join(part for part in passage.parts if isinstance(part, str))
    first = 1
    placeholders = _placeholders(passage, first)
    while any(placeholder in text for placeholder in placeholders):
        first += len(placeholders)
        placeholders = _placeholders(passage, first)
    remaining = iter(placeholders)
    masked = "".join(part if isinstance(part, str) else next(remaining) for part in passage.parts)
    return Masked(passage, masked, tuple(placeholders))


def _placeholders(passage: Passage, first: int) -> list[str]:
    return [
        f"{_START}{_name(mark)}{number}}}"
        for number, mark in enumerate(_marks(passage), start=first)
    ]


def _name(mark: Markup) -> str:
    """Return the first word of a markup in small letters."""
    word = _WORD.search(mark.source)
    return word.group().lower() if word else _NAMELESS


def pieces_of(passage: Passage) -> list[str]:
    """Return the texts between the markup that have letters, without outer white space."""
    texts = [part for part in passage.parts if isinstance(part, str)]
    return [text.strip() for text in texts if has_letters(text)]


def join_pieces(passage: Passage, translations: Sequence[str]) -> str:
    """Return a passage whose texts between the markup were translated by themselves.

    Args:
        passage: The passage.
        translations: One per string of `pieces_of`.
    """
    remaining = iter(translations)
    parts: list[Part] = []
    for part in passage.parts:
        if isinstance(part, Markup) or not has_letters(part):
            parts.append(part)
        else:
            before, _, after = part.partition(part.strip())
            parts.append(before + next(remaining) + after)
    return write(passage, parts)


def merge(parts: Sequence[Part]) -> list[Part]:
    """Join adjacent strings, and leave out empty ones."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged


def _marks(passage: Passage) -> list[Markup]:
    return [part for part in passage.parts if isinstance(part, Markup)]


def _is_valid(passage: Passage, parts: Sequence[Part]) -> bool:
    """Return whether a translation has the markup of its passage: all of it, and pairs not crossed."""
    found = [part for part in parts if isinstance(part, Markup)]
    marks = _marks(passage)
    if len(found) < len(marks):
        return False
    partner = _partners(marks)
    stack: list[int] = []
    for index, part in enumerate(parts):
        if not isinstance(part, Markup) or part.role == "alone":
            continue
        if part.role == "open":
            stack.append(index)
        elif not stack or parts[stack.pop()] is not partner.get(id(part)):
            return False
    return not stack and not (_empty_pairs(parts) - _empty_pairs(passage.parts))


def _partners(marks: Sequence[Markup]) -> dict[int, Markup]:
    """Return the opening markup by the id of the closing one."""
    stack: list[Markup] = []
    partners = {}
    for mark in marks:
        if mark.role == "open":
            stack.append(mark)
        elif mark.role == "close" and stack:
            partners[id(mark)] = stack.pop()
    return partners


def _empty_pairs(parts: Sequence[Part]) -> set[int]:
    """Return the ids of the opening markup of pairs around nothing."""
    empty = set()
    last: Markup | None = None
    for part in parts:
        if isinstance(part, str):
            last = None if part.strip() else last
        else:
            if part.role == "close" and last is not None and last.role == "open":
                empty.add(id(last))
            last = part
    return empty


def write(passage: Passage, parts: Sequence[Part]) -> str:
    """Return text and markup as a part of the document."""
    return "".join(
        passage.escape(part) if isinstance(part, str) else _written(passage, part) for part in parts
    )


def _written(passage: Passage, mark: Markup) -> str:
    return mark.source if mark.target is None else passage.escape(mark.target)
