"""The HTTP parser's connections: uvicorn's, with bounds on the head of a request and answers in one piece.

Without bounds one connection could send headers until the memory is full, or half a head and then nothing,
for ever. Bodies are bounded in edge.py. It knows no route; its answers are plain text.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
HEAD_S = 10.0  # from the first byte, or the connection, to the end of the head
_CONTINUE = b"HTTP/1.1 100 "  # stands before the head


class HeadTooLarge(Exception):
    """The request line and the headers have more than `MAX_HEAD_BYTES`."""


class OneWrite:
    """The transport of one answer: its head waits for the first of its body, and both go out together.

    uvicorn writes them one after the other: two system calls, two packets, and a client that wakes up twice.
    It does not know the request that it belongs to: the two would be garbage that only the collector finds.

    Args:
        transport: Of the connection.
        method: Of the request.
    """

    def __init__(self, transport: asyncio.Transport, method: str) -> None:
        self._transport = transport
        is_bodiless = method == "HEAD"  # behind such a head nothing is written
        self._head: bytes | None = b"" if is_bodiless else None  # empty: need not wait, or did

    def write(self, data: bytes) -> None:
        """Writes what comes behind the head; keeps the head until then."""
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif self._head is None and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Is the connection about to close?"""
        return self._transport.is_closing()

    def close(self) -> None:
        """Closes the connection after what was written."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()


class Connection(HttpToolsProtocol):
    """One connection. Also answers a request for an upgrade as if it had not asked: there are none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # edge.py writes it; uvicorn would spell out lines that nobody gets
        self._n_unfinished = 0  # bytes since a head, a piece of a body or a request was whole
        self._is_too_large = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses, and refuses a head, trailers or chunk sizes that never end."""
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
        """Lets the request in, unless its head is too large."""
        if self._n_unfinished > MAX_HEAD_BYTES:  # though part of it may be the body
            n_bytes = len(self.url) + sum(
                len(name) + len(value) + 4 for name, value in self.headers
            )
            if n_bytes > MAX_HEAD_BYTES:
                self._is_too_large = True
                raise HeadTooLarge
        self._stop_waiting()
        super().on_headers_complete()
        one_write: Any = OneWrite(self.transport, self.scope["method"])  # has all that it uses
        self.cycle.transport = one_write

    def on_body(self, body: bytes) -> None:
        """Passes on a piece of the body."""
        self._n_unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the body."""
        self._n_unfinished = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request that we take, and closes the connection."""
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
            self._refuse(408, f"The head of the request did not come within {HEAD_S:g} seconds.")
        else:
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Says nothing: anybody could fill the log."""


def use_connections() -> None:
    """Has every uvicorn server that this process starts from now on use these connections.

    BentoML's worker gives no other way to choose them.
    """
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{Connection.__name__}"
