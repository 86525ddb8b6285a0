"""The connections of the HTTP server: uvicorn's, with limits on the head, and one write per response.

Without limits, one connection could send headers until the memory is full, or half a head and then nothing.
body.py limits bodies. This module knows no route; its responses are plain text.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
HEAD_S = 10.0  # from the first byte, or the connection, to the end of the head
_CONTINUE = b"HTTP/1.1 100 "  # comes before the head


class HeadTooLarge(Exception):
    """The request line and the headers have more than `MAX_HEAD_BYTES`."""


class OneWrite:
    """The transport of one response: it holds the head back and writes it together with the start of the body.

    uvicorn writes them separately: two system calls, two packets, and a client that wakes up twice.
    It has no reference to its request, which would be a cycle that only the garbage collector frees.

    Args:
        transport: The transport of the connection.
        method: The method of the request.
    """

    def __init__(self, transport: asyncio.Transport, method: str) -> None:
        self._transport = transport
        is_bodiless = method == "HEAD"  # nothing is written after such a head
        self._head: bytes | None = b"" if is_bodiless else None  # empty: not held back, or written

    def write(self, data: bytes) -> None:
        """Write data; hold the head back until the first data after it."""
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif self._head is None and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether the connection is closing."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection after all data is written."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()


class Connection(HttpToolsProtocol):
    """One connection. Requests for an upgrade are answered as ordinary requests: none is supported."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # the middleware writes it
        self._n_unfinished = 0  # bytes since the last complete head, body chunk or request
        self._is_too_large = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data; refuse a head, trailers or chunk sizes without end."""
        self._n_unfinished += len(data)
        super().data_received(data)
        if not self._n_unfinished or self.transport.is_closing():
            return
        if self._n_unfinished > MAX_HEAD_BYTES:
            self._is_too_large = True
            self.send_400_response("")
        elif self.cycle is None or not self.cycle.more_body or self.cycle.response_complete:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Accept the request, unless its head is too large."""
        if self._n_unfinished > MAX_HEAD_BYTES:  # though part of it may be the body
            n_bytes = len(self.url) + sum(
                len(name) + len(value) + 4 for name, value in self.headers
            )
            if n_bytes > MAX_HEAD_BYTES:
                self._is_too_large = True
                raise HeadTooLarge
        self._stop_waiting()
        super().on_headers_complete()
        one_write: Any = OneWrite(
            self.transport, self.scope["method"]
        )  # it has all methods that uvicorn uses
        self.cycle.transport = one_write

    def on_body(self, body: bytes) -> None:
        """Pass on a chunk of the body."""
        self._n_unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body."""
        self._n_unfinished = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not valid HTTP, and close the connection."""
        if self._is_too_large:
            self._refuse(431, f"The head of the request has more than {MAX_HEAD_BYTES} bytes.")
        else:
            self._refuse(400, msg)

    def _refuse(self, status: int, sentence: str) -> None:
        headers = "content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: "
        answer = f"{headers}{len(sentence)}\r\n\r\n{sentence}"
        self.transport.write(STATUS_LINE[status] + answer.encode("ascii"))
        self.transport.close()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _stop_waiting(self) -> None:
        self._n_unfinished = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._await_head()  # the request before this one is still being answered
        elif self._n_unfinished and not self.transport.is_closing():
            self._refuse(
                408, f"The head of the request was not complete within {HEAD_S:g} seconds."
            )
        else:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing: any client could fill the log."""


def use_connections() -> None:
    """Make every uvicorn server that this process starts from now on use these connections.

    BentoML's worker has no option to choose them.
    """
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{Connection.__name__}"
