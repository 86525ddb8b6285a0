"""The body of a request: read up to a limit, decompressed if it is gzip, parsed as strict JSON.

The limit bounds both the bytes received and the bytes after decompression, so a body's memory is bounded
before it is read. This module knows no route and no field.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from starlette.requests import Request

from seqserve.errors import BodyTooLarge, InvalidJson, UnsupportedMediaType

_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = zlib.MAX_WBITS | 16  # the header and checksum of gzip instead of zlib
_MAX_MEMBERS = 256  # an empty member takes 20 bytes, and a new decompressor


async def read_json(request: Request, max_bytes: int) -> object:
    """Read the body of a request as JSON.

    Args:
        request: Its body has not been read.
        max_bytes: Limit of the body as received, and after decompression.

    Raises:
        UnsupportedMediaType: The content is not JSON in UTF-8, or as for `read_body`.
        BodyTooLarge: As for `read_body`.
        InvalidJson: As for `parse_json` and `read_body`.
    """
    headers: dict[bytes, bytes] = dict(request.scope["headers"])
    _check_content_type(headers.get(b"content-type", b""))
    return parse_json(await read_body(request, headers, max_bytes))


async def read_body(request: Request, headers: Mapping[bytes, bytes], max_bytes: int) -> bytearray:
    """Read the body of a request, of any content type.

    Args:
        request: Its body has not been read.
        headers: Its headers by name in lower case.
        max_bytes: Limit of the body as received, and after decompression.

    Raises:
        UnsupportedMediaType: The body has another encoding than gzip.
        BodyTooLarge: The body is over the limit; no more than the limit is kept in memory.
        InvalidJson: The gzip stream is damaged or incomplete.
    """
    is_gzip = b"content-encoding" in headers and _is_gzip(
        value for name, value in request.scope["headers"] if name == b"content-encoding"
    )
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    return await (_read_gzip(request, max_bytes) if is_gzip else _read_plain(request, max_bytes))


async def _read_plain(request: Request, max_bytes: int) -> bytearray:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return body


async def _read_gzip(request: Request, max_bytes: int) -> bytearray:
    gunzip = Gunzip(max_bytes)
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            raise _too_large(max_bytes)
        gunzip.feed(chunk)
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

    def feed(self, chunk: bytes) -> None:
        """Decompress the next bytes.

        Raises:
            BodyTooLarge: The output is over the limit.
            InvalidJson: The bytes are not gzip.
        """
        while chunk:
            if self._decompressor.eof:
                self._begin_member()
            room = self._max_bytes - len(self._body)
            try:
                self._body += self._decompressor.decompress(chunk, room + 1)
            except zlib.error:
                raise InvalidJson("The body is not gzip, or damaged.") from None
            if len(self._body) > self._max_bytes:
                raise _too_large(self._max_bytes, " after decompression")
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


def _is_gzip(encodings: Iterable[bytes]) -> bool:
    """Return whether the body is gzip; False if it has no encoding.

    Raises:
        UnsupportedMediaType: It has another encoding, or several.
    """
    encoding = b",".join(encodings).decode("latin-1").strip().lower()
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
        raise UnsupportedMediaType("Send Content-Type: application/json, in UTF-8.")


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("an object has the same key twice")
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_reject_constant)


def parse_json(body: bytes | bytearray) -> object:
    """Parse strict JSON: no NaN, no duplicate keys, no lone surrogates, no excessive nesting.

    Uses the parser of the standard library: orjson keeps the last of two equal keys and, on Python 3.13,
    overflows the stack on nested brackets.

    Raises:
        InvalidJson: The message has the kind and the place of the fault, never the content.
    """
    try:
        text = body.decode()
        document: object = _DECODER.decode(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8 at byte {error.start}.") from None
    except UnicodeEncodeError:
        raise InvalidJson("The body has half of a surrogate pair: no valid Unicode.") from None
    except json.JSONDecodeError as error:
        raise InvalidJson(f"The body is not JSON at character {error.pos}: {error.msg}.") from None
    except RecursionError:
        raise InvalidJson("The body is nested too deeply.") from None
    except ValueError as error:
        raise InvalidJson(f"The body is not JSON: {error}.") from None
    return document
