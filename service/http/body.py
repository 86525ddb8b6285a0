"""The body of a request: received up to a limit, decompressed if it is gzip, parsed as strict JSON.

Memory and time of bodies are bounded, whatever they contain: each by its size, its compression ratio and the
number of its JSON values; all together by the bytes that are held at a time. Of the large and the compressed
ones, one is decompressed and parsed at a time, in two iterations of the event loop, so that other requests
are answered in between.
This module knows no route and no field.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from starlette.requests import Request

from seqserve.errors import BodyTooLarge, InvalidJson, Overloaded, UnsupportedMediaType
from service.http.strict_json import parse_json

LARGE_BYTES = 16_384
"""A body with more bytes is parsed alone in an iteration of the event loop, and counts in `MAX_HELD_BYTES`."""
MAX_HELD_BYTES = 64 * 2**20
MAX_RATIO = 100
"""Limit of the size after decompression by the size before, for bodies of more than `RATIO_FROM_BYTES`."""
RATIO_FROM_BYTES = 2**20

_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = zlib.MAX_WBITS | 16  # the header and checksum of gzip instead of zlib
_MAX_MEMBERS = 256  # an empty member takes 20 bytes, and a new decompressor
_STEP_BYTES = 65_536


@dataclass
class _Total:
    """The bytes of all large bodies that are held.

    Args:
        max_bytes: Their limit.
    """

    max_bytes: int
    n_bytes: int = 0


@dataclass
class _Hold:
    """The bytes of one body.

    Args:
        total: Where they count.
    """

    total: _Total
    n_bytes: int = 0

    def grow(self, n_bytes: int) -> None:
        """Record the size of the body.

        Raises:
            Overloaded: All bodies together are over the limit.
        """
        self.total.n_bytes += n_bytes - self.n_bytes
        self.n_bytes = n_bytes
        if self.total.n_bytes > self.total.max_bytes:
            raise Overloaded("The server receives too many large bodies. Retry later.")

    def release(self) -> None:
        """Count them no longer."""
        self.total.n_bytes -= self.n_bytes
        self.n_bytes = 0


class BodyReader:
    """Reads the bodies of all requests of a server.

    Args:
        max_bytes: Limit of a body as received, and after decompression.
        max_values: Limit of the JSON values of a body.
        max_held_bytes: Limit of the bytes of all large bodies that are being received and parsed.
    """

    def __init__(
        self, max_bytes: int, max_values: int, max_held_bytes: int = MAX_HELD_BYTES
    ) -> None:
        self._max_bytes = max_bytes
        self._max_values = max_values
        self._total = _Total(max_held_bytes)
        self._lock = asyncio.Lock()

    async def read_json(self, request: Request) -> object:
        """Read the body of a request as JSON.

        Args:
            request: Its body has not been read.

        Raises:
            UnsupportedMediaType: The content is not JSON in UTF-8, or as for `read`.
            BodyTooLarge: As for `read` and `parse_json`.
            InvalidJson: As for `read` and `parse_json`.
            Overloaded: As for `read`.
        """
        headers: dict[bytes, bytes] = dict(request.scope["headers"])
        _check_content_type(headers.get(b"content-type", b""))
        is_gzip = _is_gzip(request, headers)
        with self._hold() as hold:
            body = await self._receive(request, headers, hold)
            if len(body) <= LARGE_BYTES and not is_gzip:
                return parse_json(body, self._max_values)
            async with self._alone():
                if is_gzip:  # only now: until then it is as small as it came
                    body = decompress(body, self._max_bytes)
                    await asyncio.sleep(0)
                return parse_json(body, self._max_values)

    async def read(self, request: Request, headers: Mapping[bytes, bytes]) -> bytearray:
        """Read the body of a request, of any content type.

        Args:
            request: Its body has not been read.
            headers: Its headers by name in lower case.

        Raises:
            UnsupportedMediaType: The body has another encoding than gzip.
            BodyTooLarge: The body is over the limit; no more than the limit is kept in memory.
            InvalidJson: The gzip stream is damaged or incomplete.
            Overloaded: The server holds as many bytes of large bodies as it may.
        """
        is_gzip = _is_gzip(request, headers)
        with self._hold() as hold:
            body = await self._receive(request, headers, hold)
            if not is_gzip:
                return body
            async with self._alone():
                return decompress(body, self._max_bytes)

    async def _receive(
        self, request: Request, headers: Mapping[bytes, bytes], hold: _Hold
    ) -> bytearray:
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise _too_large(self._max_bytes)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_bytes:
                raise _too_large(self._max_bytes)
            if len(body) > LARGE_BYTES:
                hold.grow(len(body))
        return body

    @contextmanager
    def _hold(self) -> Iterator[_Hold]:
        """Count the bytes of one body until it is parsed."""
        hold = _Hold(self._total)
        try:
            yield hold
        finally:
            hold.release()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Wait for an iteration of the event loop in which no other large body is handled."""
        async with self._lock:
            await asyncio.sleep(0)
            yield


def decompress(content: bytes | bytearray, max_bytes: int) -> bytearray:
    """Decompress a gzip stream; it may have several members.

    Args:
        content: The stream.
        max_bytes: Limit of the output.

    Raises:
        BodyTooLarge: The output is over the limit, or much larger than the stream.
        InvalidJson: The stream is damaged or incomplete.
    """
    gunzip = Gunzip(max_bytes)
    view = memoryview(content)
    for begin in range(0, len(view), _STEP_BYTES):
        gunzip.feed(view[begin : begin + _STEP_BYTES])
    return gunzip.finish()


class Gunzip:
    """Decompresses a gzip stream chunk by chunk; it may have several members.

    Args:
        max_bytes: Limit of the output.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._decompressor = zlib.decompressobj(_GZIP_WINDOW)
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
                raise InvalidJson("The body is not gzip, or damaged.") from None
            if len(self._body) > self._max_bytes:
                raise _too_large(self._max_bytes, " after decompression")
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
        self._decompressor = zlib.decompressobj(_GZIP_WINDOW)


def _too_large(max_bytes: int, when: str = "") -> BodyTooLarge:
    return BodyTooLarge(
        f"The body has more than {max_bytes} bytes{when}. "
        "Split it, or raise SEQSERVE_MAX_BODY_BYTES."
    )


def _is_gzip(request: Request, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the body is gzip; False if it has no encoding.

    Raises:
        UnsupportedMediaType: It has another encoding, or several.
    """
    if b"content-encoding" not in headers:
        return False
    found = [value for name, value in request.scope["headers"] if name == b"content-encoding"]
    encoding = b",".join(found).decode("latin-1").strip().lower()
    if encoding not in _GZIP | {"identity", ""}:
        raise UnsupportedMediaType("Send the body without Content-Encoding, or with gzip, once.")
    return encoding in _GZIP


def _check_content_type(header: bytes) -> None:
    if header == b"application/json":
        return
    media_type, _, parameters = header.decode("latin-1").partition(";")
    charset = re.search(r"charset=\"?([\w-]+)", parameters, re.IGNORECASE)
    is_utf8 = charset is None or charset.group(1).lower() in {"utf-8", "utf8"}
    if media_type.strip().lower() != "application/json" or not is_utf8:
        raise UnsupportedMediaType(
            "Send JSON in UTF-8, with the header Content-Type: application/json."
        )
