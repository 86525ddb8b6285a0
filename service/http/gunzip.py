"""Decompress gzip and zlib, with a limit of the output and of its ratio to the input."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from seqserve.errors import BodyTooLarge, InvalidJson

MAX_RATIO = 100
"""Limit of the size after decompression by the size before, for bodies of more than `RATIO_FROM_BYTES`."""
RATIO_FROM_BYTES = 2**20

WINDOWS: Mapping[str, int] = {
    "gzip": zlib.MAX_WBITS | 16,  # the header and checksum of gzip instead of zlib
    "x-gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}
"""The encodings of bodies, and what zlib calls them."""
_MAX_MEMBERS = 256  # an empty member takes 20 bytes, and a new decompressor
_STEP_BYTES = 65_536


def body_too_large(max_bytes: int, when: str = "") -> BodyTooLarge:
    """Return the error of a body over the limit; `when` follows the limit in its message."""
    return BodyTooLarge(
        f"The body has more than {max_bytes} bytes{when}. "
        "Split it, or raise SEQSERVE_MAX_BODY_BYTES."
    )


def decompress(content: bytes | bytearray, max_bytes: int, encoding: str = "gzip") -> bytearray:
    """Decompress a stream; one of gzip may have several members.

    Args:
        content: The stream.
        max_bytes: Limit of the output.
        encoding: In `WINDOWS`.

    Raises:
        BodyTooLarge: The output is over the limit, or much larger than the stream.
        InvalidJson: The stream is damaged or incomplete.
    """
    gunzip = Gunzip(max_bytes, encoding)
    view = memoryview(content)
    for begin in range(0, len(view), _STEP_BYTES):
        gunzip.feed(view[begin : begin + _STEP_BYTES])
    return gunzip.finish()


class Gunzip:
    """Decompresses a gzip stream chunk by chunk; it may have several members.

    Args:
        max_bytes: Limit of the output.
        encoding: In `WINDOWS`.
    """

    def __init__(self, max_bytes: int, encoding: str = "gzip") -> None:
        self._max_bytes = max_bytes
        self._encoding = encoding
        self._body = bytearray()
        self._decompressor = zlib.decompressobj(WINDOWS[self._encoding])
        self._n_members = 1
        self._n_received = 0

    def feed(self, chunk: bytes | memoryview) -> None:
        """Decompress the next bytes.

        Raises:
            BodyTooLarge: The output is over the limit, or much larger than the stream so far.
            InvalidJson: The bytes are not gzip.
        """
        self._n_received += len(chunk)
        limit = min(self._max_bytes, max(RATIO_FROM_BYTES, MAX_RATIO * self._n_received))
        while chunk:
            if self._decompressor.eof:
                self._begin_member()
            room = limit - len(self._body)
            try:
                self._body += self._decompressor.decompress(chunk, room + 1)
            except zlib.error:
                raise InvalidJson(f"The body is not {self._encoding}, or damaged.") from None
            if len(self._body) > self._max_bytes:
                raise body_too_large(self._max_bytes, " after decompression")
            if len(self._body) > limit:
                raise BodyTooLarge(
                    f"The body is more than {MAX_RATIO} times as large after decompression. "
                    "Send it without Content-Encoding, or split it."
                )
            chunk = self._decompressor.unused_data

    def finish(self) -> bytearray:
        """Return the output.

        Raises:
            InvalidJson: The stream is incomplete.
        """
        if not self._decompressor.eof:
            raise InvalidJson("The body's gzip stream stops before its end.")
        return self._body

    def _begin_member(self) -> None:
        self._n_members += 1
        if self._n_members > _MAX_MEMBERS:
            raise InvalidJson(f"The body's gzip stream has more than {_MAX_MEMBERS} members.")
        self._decompressor = zlib.decompressobj(WINDOWS[self._encoding])
