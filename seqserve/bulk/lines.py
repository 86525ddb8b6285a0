"""Lines of a byte stream in constant memory, whatever the length of the file or of a line.

A stream that begins like another encoding than UTF-8, like no text at all, or that has no line feed, is
refused: its lines would be nonsense, and be answered.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from seqserve.bulk.fingerprint import LineDigest
from seqserve.encodings import BINARY, marked_encoding, unmarked_encoding
from seqserve.errors import DataError

_CHUNK_BYTES = 1 << 16
_HEAD_BYTES = 1 << 16  # tell the encoding
_NUL = b"\0"


class Lines:
    """Iterate over (number, line); a line that is too long comes as None and is never in memory.

    Line ends are kept; a byte order mark is removed.

    Args:
        stream: Opened in binary.
        max_bytes: Largest size of a line.
        lines_before: Number of the line before the first one.
        digest: Gets every line; of one that is too long, the beginning.
    """

    def __init__(
        self,
        stream: BinaryIO,
        max_bytes: int,
        lines_before: int = 0,
        digest: LineDigest | None = None,
    ) -> None:
        self._stream = stream
        self.digest = digest or LineDigest()
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self.number = self._lines_before = lines_before

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Read to the end.

        Raises:
            DataError: The stream is in another encoding, is no text, has no line feed, or differs from that
                of the run that is resumed.
        """
        head = bytearray()
        while raw := self._stream.readline(self.max_bytes + 1):
            self.n_bytes += len(raw)
            self.number += 1
            if self.number == self._lines_before + 1:
                raw = _without_mark(raw)
                _require_line_feeds(raw)
            if len(head) < _HEAD_BYTES:
                head += raw[:_HEAD_BYTES]
                if _NUL in raw:
                    _require_text(head)
            self.digest.add(self.number, raw)
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
    if name := marked_encoding(first):
        raise DataError(f"the input is {name}, not UTF-8: add --encoding {name}")
    return first.removeprefix(codecs.BOM_UTF8)


def _require_text(head: bytearray) -> None:
    name = unmarked_encoding(head)
    if name == BINARY:
        raise DataError(
            "the input is no text: it has NUL bytes. Save it as text, CSV or JSON Lines in UTF-8"
        )
    if name is not None:
        raise DataError(f"the input is {name} without a mark, not UTF-8: add --encoding {name}")


def _require_line_feeds(first: bytes) -> None:
    """Refuse a first line that goes on behind a carriage return, and has no line feed to its end."""
    if b"\r" in first[:-1] and not first.endswith(b"\n"):
        raise DataError(
            "the lines of the input end with carriage returns, as on old Macs: "
            "convert them, as in tr '\\r' '\\n' < OLD > NEW"
        )
