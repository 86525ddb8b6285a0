r"""Offsets of exports as code points, verified by the text that they stand for where the export has it.

Tools count in different units. Label Studio counts code points; its releases before 2022 counted UTF-16 units,
and `\r\n` may have been one character. Line breaks in the text of a span are the two characters `\n`.

Source: HumanSignal/label-studio, `web/libs/editor/src/tags/object/RichText/domManager.ts` and issue 1347.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate

import regex

from seqserve.choices import OffsetUnit
from seqserve.datasets.annotations.documents import CharSpan, LeftOut
from seqserve.datasets.annotations.fields import Fields, is_integer
from seqserve.text.offsets import offset_table

_LINE_BREAKS_AS_ONE = "line break"
_BLANKS = re.compile(r"(?:\\[rn]|\s)+")


def differ_before(end: int, text: str, *units: OffsetUnit) -> bool:
    """Return whether units count a text up to a code point, and the one behind it, differently."""
    first, *others = (list(offset_table(text, unit)[: end + 2]) for unit in units)
    return any(table != first for table in others)


class Offsets:
    """Converts the offsets of one text to code points.

    Args:
        text: The text.
        unit: What the export counts.
    """

    def __init__(self, text: str, unit: OffsetUnit) -> None:
        self._text = text
        self._unit = unit
        self._tables: dict[str, Sequence[int]] = {}

    def span(
        self, entity: Fields, label: str, names: tuple[str, str] = ("start", "end")
    ) -> CharSpan:
        """Return an entity of the export.

        Args:
            entity: Has the offsets, and perhaps the `text`.
            label: Of the entity.
            names: Of the members with the offsets.

        Raises:
            DataError: An offset is no integer.
            LeftOut: As for `locate`.
        """
        for name in names:
            if not is_integer(entity.get(name)):
                raise entity.wrong(name, "an integer")
        start, end = (int(entity.get(name)) for name in names)
        quoted = entity.get("text")
        return CharSpan(
            *self.locate(start, end, quoted if isinstance(quoted, str) else None), label
        )

    def locate(self, start: int, end: int, quoted: str | None = None) -> tuple[int, int]:
        """Return the code points of a span.

        Args:
            start: First unit.
            end: One past the last unit.
            quoted: The text of the span in the export; other units are tried if it differs. None: it has none.

        Raises:
            LeftOut: The span is empty or beyond the text, or its text differs in every unit.
        """
        first = self._code_points(self._unit, start, end)
        if quoted is None:
            if first is None:
                length = len(self._table(self._unit)) - 1
                raise LeftOut(
                    "with an entity that is empty or beyond the text",
                    f"{start}..{end} of {length:,}",
                )
            return first
        for name in dict.fromkeys((self._unit, *_TABLES)):
            found = self._code_points(name, start, end)
            if found is not None and _squeezed(self._text[slice(*found)]) == _squeezed(quoted):
                return found
        there = "beyond the text" if first is None else repr(self._text[slice(*first)])
        raise LeftOut(
            "with an entity whose text is not at its offsets",
            f"{quoted!r}; at {start}..{end}: {there}",
        )

    def _code_points(self, name: str, start: int, end: int) -> tuple[int, int] | None:
        """Return the code points; None if an offset is beyond the text or inside of a character."""
        table = self._table(name)
        if not 0 <= start < end < len(table):
            return None
        found = table[start], table[end]
        return None if -1 in found else found

    def _table(self, name: str) -> Sequence[int]:
        if name not in self._tables:
            self._tables[name] = _TABLES[name](self._text)
        return self._tables[name]


def _inverse(unit: OffsetUnit, text: str) -> Sequence[int]:
    """Return the code point at every offset in a unit; -1 inside of a code point."""
    offsets = offset_table(text, unit)
    table = [-1] * (offsets[-1] + 1)
    for i, offset in enumerate(offsets):
        table[offset] = i
    return table


def _ends(pattern: regex.Pattern[str], text: str) -> Sequence[int]:
    """Return the code point at every offset that counts matches."""
    return [0, *accumulate(len(match.group()) for match in pattern.finditer(text))]


_TABLES: Mapping[str, Callable[[str], Sequence[int]]] = {
    "codepoint": lambda text: range(len(text) + 1),
    "utf16": partial(_inverse, "utf16"),
    "byte": partial(_inverse, "byte"),
    "grapheme": partial(_inverse, "grapheme"),
    _LINE_BREAKS_AS_ONE: partial(_ends, regex.compile(r"\r\n|.", regex.DOTALL)),
}


def _squeezed(text: str) -> str:
    """Return a text without white space, which tools write in several ways."""
    return _BLANKS.sub("", text)
