"""Boundaries of the rows of a CSV file: line ends outside of quotes (RFC 4180).

A quote that is opened and never closed would turn the rest of the file into one row. So a row that does not
end within a number of bytes is rejected, and reading resumes at the line after its first one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

_QUOTE = b'"'


class CsvRows:
    """Iterate over (number of the first line, bytes) of rows; a rejected row comes as None.

    Args:
        lines: Numbered lines with their ends; None is a line that was too long.
        max_bytes: Largest size of a row.
        delimiter: Between two fields, one byte.
    """

    def __init__(
        self, lines: Iterable[tuple[int, bytes | None]], max_bytes: int, delimiter: bytes = b","
    ) -> None:
        self._delimiter = delimiter
        self._lines = iter(lines)
        self._max_bytes = max_bytes
        self._again: deque[tuple[int, bytes | None]] = deque()  # lines of a rejected row

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
        """Return the row that begins with a line; if it has no end, None, and its other lines come again."""
        if not is_open_after(raw, is_open=False, delimiter=self._delimiter):
            return raw
        parts, size = [raw], len(raw)
        taken: list[tuple[int, bytes | None]] = []
        while (following := self._next()) is not None:
            taken.append(following)
            if following[1] is None or size + len(following[1]) > self._max_bytes:
                break
            parts.append(following[1])
            size += len(following[1])
            if not is_open_after(following[1], is_open=True, delimiter=self._delimiter):
                return b"".join(parts)
        self._again.extendleft(reversed(taken))
        return None


def is_open_after(line: bytes, *, is_open: bool, delimiter: bytes = b",") -> bool:
    """Return whether a quoted field is open at the end of a line.

    Args:
        line: The line, with its line end or without.
        is_open: Whether a quoted field was open at its start.
        delimiter: Between two fields, one byte.
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
        at = line.find(delimiter, at)
        if at < 0:
            return False
        at += 1
