"""The body of a request: read up to a limit, inflated where it is gzip, parsed as strict JSON.

What a body costs in memory is bounded before it is read: by the limit on the bytes that come, and by
the same limit on what they inflate to. It knows no route and no field.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from typing import Any, NoReturn

from starlette.requests import Request

from seqserve.errors import BodyTooLarge, InvalidJson, UnsupportedMediaType

_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = zlib.MAX_WBITS | 16  # gzip's header and check sum, not zlib's
_MAX_MEMBERS = 256  # a member of nothing takes 20 bytes, and a new inflater


async def read_json(request: Request, max_bytes: int) -> object:
    """The request's body, parsed.

    Args:
        request: One whose body nobody has read.
        max_bytes: Of the body as it comes, and as it is once inflated.

    Raises:
        UnsupportedMediaType: the content is not JSON in UTF-8, or encoded in another way than gzip.
        BodyTooLarge: the body is over the limit; no more than the limit is kept in memory.
        InvalidJson: as for `parse_json`, or the body is no whole gzip stream.
    """
    raw: list[tuple[bytes, bytes]] = request.scope["headers"]
    headers = dict(raw)
    _check_content_type(headers.get(b"content-type", b""))
    is_gzip = b"content-encoding" in headers and _is_gzip(
        value for name, value in raw if name == b"content-encoding"
    )
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    body = await (_inflated(request, max_bytes) if is_gzip else _plain(request, max_bytes))
    return parse_json(body)


async def _plain(request: Request, max_bytes: int) -> bytearray:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return body


async def _inflated(request: Request, max_bytes: int) -> bytearray:
    gunzip = Gunzip(max_bytes)
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            raise _too_large(max_bytes)
        gunzip.feed(chunk)
    return gunzip.finish()


class Gunzip:
    """Inflates a gzip stream as it comes in; several members one after the other are one stream.

    Args:
        max_bytes: More than this is never made.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._body = bytearray()
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._n_members = 1

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes in.

        Raises:
            BodyTooLarge: they inflate to more than the limit.
            InvalidJson: they are no gzip.
        """
        while chunk:
            if self._inflater.eof:
                self._begin_member()
            room = self._max_bytes - len(self._body)
            try:
                self._body += self._inflater.decompress(chunk, room + 1)
            except zlib.error:
                raise InvalidJson("The body is not gzip, or damaged.") from None
            if len(self._body) > self._max_bytes:
                raise _too_large(self._max_bytes, " once it is inflated")
            chunk = self._inflater.unused_data

    def finish(self) -> bytearray:
        """What all the bytes inflate to.

        Raises:
            InvalidJson: the stream stops before its end.
        """
        if not self._inflater.eof:
            raise InvalidJson("The body's gzip stream stops before its end.")
        return self._body

    def _begin_member(self) -> None:
        self._n_members += 1
        if self._n_members > _MAX_MEMBERS:
            raise InvalidJson(f"The body's gzip stream has more than {_MAX_MEMBERS} members.")
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)


def _too_large(max_bytes: int, when: str = "") -> BodyTooLarge:
    return BodyTooLarge(
        f"The body has more than {max_bytes} bytes{when}. "
        "Split it, or raise SEQSERVE_MAX_BODY_BYTES."
    )


def _is_gzip(encodings: Iterable[bytes]) -> bool:
    """Whether the body is gzip, and not as it is.

    Raises:
        UnsupportedMediaType: it is encoded otherwise, or more than once.
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
    """Strict JSON: no NaN, no key twice, no lone surrogate, no bottomless nesting.

    The standard library's parser does it: orjson's keeps the last of two keys and, in 3.13, overruns the
    stack on nested brackets.

    Raises:
        InvalidJson: what is wrong, and where; never what stands there.
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
