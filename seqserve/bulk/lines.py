"""Lines of a stream of bytes, none longer than a limit, however long the file or a line of it is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from seqserve.errors import DataError

_PIECE_BYTES = 1 << 16
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Lines:
    """Iterates over (number, line); a line that is too long comes as None and is never held.

    Line ends stay; a byte order mark is left out.

    Args:
        stream: Opened in binary.
        max_bytes: Of one line.
    """

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream = stream
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self.number = 0

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Read to the end.

        Raises:
            DataError: The stream begins with the mark of another encoding.
        """
        while raw := self._stream.readline(self.max_bytes + 1):
            self.n_bytes += len(raw)
            self.number += 1
            if self.number == 1:
                raw = _without_mark(raw)
            is_whole = len(raw) <= self.max_bytes or raw.endswith(b"\n")
            if not is_whole:
                self._skip()
            yield self.number, raw if is_whole else None

    def _skip(self) -> None:
        """Read the rest of a line piece by piece."""
        while piece := self._stream.readline(_PIECE_BYTES):
            self.n_bytes += len(piece)
            if piece.endswith(b"\n"):
                return


def _without_mark(first: bytes) -> bytes:
    for mark, name in _OTHER_ENCODINGS.items():
        if first.startswith(mark):
            raise DataError(
                f"the input is {name}, and must be UTF-8: convert it, as with "
                f"iconv --from-code {name} --to-code UTF-8"
            )
    return first.removeprefix(codecs.BOM_UTF8)
