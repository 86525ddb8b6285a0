"""One keep-alive connection of the load generator: bytes out, a status in, as little work as can be."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import cast

from benchmarks.tools.served import HOST

LOST = 0
"""The status of a request whose connection broke."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Sends one request at a time.

    Args:
        answered: Called with this connection, the status of an answer, and the ms that it took.
    """

    def __init__(self, answered: Callable[[Connection, int, float], None]) -> None:
        self._answered = answered
        self._received = b""
        self._sent: float | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def send(self, request: bytes) -> None:
        """Send a request; the one before must have been answered."""
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _LENGTH.search(head + b"\r\n")
        if length is None:
            self._transport.close()  # a chunked body, which no server here sends
        elif len(body) >= int(length[1]):
            self._received = b""
            self._finish(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """Count the request in flight as lost."""
        self.is_open = False
        self._finish(LOST)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def _finish(self, status: int) -> None:
        if self._sent is not None:
            ms, self._sent = (time.perf_counter() - self._sent) * 1000, None
            self._answered(self, status, ms)


async def connect(port: int, answered: Callable[[Connection, int, float], None]) -> Connection:
    """Open a connection to a server on this machine."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(answered), HOST, port)
    return connection


def request_bytes(path: str, body: bytes) -> bytes:
    """Give a POST request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
