"""The body of a request: received up to a limit, decompressed, then parsed.

Memory and time of bodies are bounded, whatever they contain: each by its size, its compression ratio
(gunzip.py) and the number of its JSON values (strict_json.py); all together by the bytes that are held at a
time (held_bodies.py). Of the large and the compressed ones, one is decompressed and parsed at a time, in two
iterations of the event loop, so that other requests are answered in between. This module knows no route and no
field.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import Request

from seqserve.errors import UnsupportedMediaType
from seqserve.strict_json import parse_json
from service.http.gunzip import WINDOWS, body_too_large, decompress
from service.http.held_bodies import MAX_HELD_BYTES, HeldBodies

T = TypeVar("T")

LARGE_BYTES = 16_384
"""A body with more bytes is parsed alone in an iteration of the event loop, and counts in `HeldBodies`."""


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
        self.max_values = max_values
        self._held = HeldBodies(max_held_bytes)
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
        return await self.read(request, headers, lambda body: parse_json(body, self.max_values))

    async def read(
        self,
        request: Request,
        headers: Mapping[bytes, bytes],
        parse: Callable[[bytearray], T],
    ) -> T:
        """Read the body of a request, of any content type, and return what `parse` makes of it.

        Args:
            request: Its body has not been read.
            headers: Its headers by name in lower case.
            parse: Takes the body, decompressed; its errors are those of the request.

        Raises:
            UnsupportedMediaType: The body has another encoding than gzip or deflate.
            BodyTooLarge: The body is over the limit; no more than the limit is kept in memory.
            InvalidJson: The gzip stream is damaged or incomplete.
            Overloaded: The server holds as many bytes of large bodies as it may, and no other came slower.
        """
        encoding = _encoding(request, headers)
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise body_too_large(self._max_bytes)
        body = bytearray()
        with self._held.upload() as upload:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._max_bytes:
                    raise body_too_large(self._max_bytes)
                if len(body) > LARGE_BYTES:
                    upload.grow(len(body))
            upload.is_complete = True
            if len(body) <= LARGE_BYTES and not encoding:
                return parse(body)
            async with self._alone():
                if encoding:  # only now: until then it is as small as it came
                    body = decompress(body, self._max_bytes, encoding)
                    await asyncio.sleep(0)
                return parse(body)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Wait for an iteration of the event loop in which no other large body is handled."""
        async with self._lock:
            await asyncio.sleep(0)
            yield


def _encoding(request: Request, headers: Mapping[bytes, bytes]) -> str:
    """Return how the body is compressed; empty if it is not.

    Raises:
        UnsupportedMediaType: It has another encoding, or several.
    """
    if b"content-encoding" not in headers:
        return ""
    found = [value for name, value in request.scope["headers"] if name == b"content-encoding"]
    encoding = b",".join(found).decode("latin-1").strip().lower()
    if encoding not in {*WINDOWS, "identity", ""}:
        raise UnsupportedMediaType(
            "Send the body without Content-Encoding, or with gzip or deflate, once."
        )
    return encoding if encoding in WINDOWS else ""


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
