"""A raw connection to an HTTP server: what is sent is up to the caller, and what comes is parsed."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import httptools

PATIENCE_S = 60.0  # for the next response


@dataclass(frozen=True)
class Response:
    """A response: its status and its body."""

    status: int
    body: bytes


class Responses:
    """Parses the responses of one connection; interim ones are skipped."""

    def __init__(self) -> None:
        self.found: list[Response] = []
        self._body = bytearray()
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Parse bytes as they come."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begin a response."""
        self._body = bytearray()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """End a response."""
        status = self._parser.get_status_code()
        if status >= HTTPStatus.OK:
            self.found.append(Response(status, bytes(self._body)))


class Wire:
    """One connection to the server.

    Args:
        reader: What comes.
        writer: Where to write.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._responses = Responses()

    async def send(self, data: bytes) -> None:
        """Send data; the end of the connection is found when reading."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    def end(self) -> None:
        """Finish sending."""
        with suppress(OSError):
            self._writer.write_eof()

    def reset(self) -> None:
        """Close with RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def read(self, n_responses: int, patience_s: float = PATIENCE_S) -> list[Response]:
        """Return the responses so far: when there are that many, at the end, or if nothing comes for a time."""
        with suppress(TimeoutError, ConnectionError):
            while len(self._responses.found) < n_responses:
                async with asyncio.timeout(patience_s):
                    data = await self._reader.read(1 << 16)
                if not data:
                    break
                self._responses.feed(data)
        return self._responses.found


def request(path: str, body: bytes, headers: bytes = b"", host: bytes = b"x") -> bytes:
    """Return a POST request with a JSON body."""
    head = b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\n" % (
        path.encode(),
        host,
    )
    return head + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path: str) -> bytes:
    """Return a GET request."""
    return b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode()
