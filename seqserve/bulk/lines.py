"""Lines of a byte stream in constant memory, whatever the length of the file or of a line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from seqserve.errors import DataError

_CHUNK_BYTES = 1 << 16
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Lines:
    """Iterate over (number, line); a line that is too long comes as None and is never in memory.

    Line ends are kept; a byte order mark is removed.

    Args:
        stream: Opened in binary.
        max_bytes: Largest size of a line.
        lines_before: Number of the line before the first one.
    """

    def __init__(self, stream: BinaryIO, max_bytes: int, lines_before: int = 0) -> None:
        self._stream = stream
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self.number = self._lines_before = lines_before

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Read to the end.

        Raises:
            DataError: The stream begins with the mark of another encoding.
        """
        while raw := self._stream.readline(self.max_bytes + 1):
            self.n_bytes += len(raw)
            self.number += 1
            if self.number == self._lines_before + 1:
                raw = _without_mark(raw)
            is_whole = len(raw) <= self.max_bytes or raw.endswith(b"\n")
            if not is_whole:
                self._skip()
            yield self.number, raw if is_whole else None

    def _skip(self) -> None:
        """Read the rest of a line in chunks."""
        while chunk := self._stream.readline(_CHUNK_BYTES):
            self.n_bytes += len(chunk)
            if chunk.endswith(b"\n"):
                return


def _without_mark(first: bytes) -> bytes:
    for mark, name in _OTHER_ENCODINGS.items():
        if first.startswith(mark):
            raise DataError(f"the input is {name}, not UTF-8: add --encoding {name}")
    return first.removeprefix(codecs.BOM_UTF8)
