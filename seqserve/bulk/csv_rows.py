"""Where rows of a CSV file begin and end: at line ends outside of quotes (RFC 4180), commas between fields.

A quote that is opened and not closed would make one row of the rest of the file. So a row that does
not end within a number of bytes is given up, and reading goes on behind the line on which it began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

_QUOTE, _COMMA = b'"', b","


class CsvRows:
    """Iterates over (number of its first line, bytes) of rows; those that are given up come as None.

    Args:
        lines: Numbered lines with their ends; None is one that was too long.
        max_bytes: Of one row.
    """

    def __init__(self, lines: Iterable[tuple[int, bytes | None]], max_bytes: int) -> None:
        self._lines = iter(lines)
        self._max_bytes = max_bytes
        self._again: deque[tuple[int, bytes | None]] = deque()  # lines of a row that was given up

    def _next(self) -> tuple[int, bytes | None] | None:
        if self._again:
            return self._again.popleft()
        return next(self._lines, None)

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Read to the end."""
        while (first := self._next()) is not None:
            number, raw = first
            yield number, raw if raw is None else self._row(raw)

    def _row(self, raw: bytes) -> bytes | None:
        """Give the row that begins with a line; if it has no end, None, and its other lines come again."""
        if not is_open_after(raw, is_open=False):
            return raw
        parts, size = [raw], len(raw)
        taken: list[tuple[int, bytes | None]] = []
        while (following := self._next()) is not None:
            taken.append(following)
            if following[1] is None or size + len(following[1]) > self._max_bytes:
                break
            parts.append(following[1])
            size += len(following[1])
            if not is_open_after(following[1], is_open=True):
                return b"".join(parts)
        self._again.extendleft(reversed(taken))
        return None


def is_open_after(line: bytes, *, is_open: bool) -> bool:
    """Is a quoted field open at the end of a line?

    Args:
        line: With its line end, or without.
        is_open: Whether one was open at its start.
    """
    at = 0
    while True:
        if is_open:
            at = line.find(_QUOTE, at)
            if at < 0:
                return True
            if line[at + 1 : at + 2] == _QUOTE:  # a quote in the field
                at += 2
                continue
            is_open = False
        elif line[at : at + 1] == _QUOTE:
            is_open = True
            at += 1
            continue
        at = line.find(_COMMA, at)
        if at < 0:
            return False
        at += 1
