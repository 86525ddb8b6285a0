"""The connections of the HTTP server: uvicorn's, with bounds on everything that a client can make them hold.

- The head of a request, with its trailers and chunk sizes: `MAX_HEAD_BYTES`, complete within `HEAD_S`.
- Pipelined requests: when `MAX_PIPELINED` wait, the bytes after them stay unparsed, and beyond 64 KiB nothing
  more is read. A slice of bytes is parsed as a whole, so about 70 may wait.
- Responses that a client does not read: one request is computed ahead; unread.py bounds their time and bytes.
- Connections: `Connection.max_connections`; further ones get 503.

body.py bounds bodies. This module knows no route; its responses are plain text.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.http.one_write import OneWrite
from service.http.presence import AT_END_S, WHILE_FULL_S
from service.http.timed_connection import TimedConnection
from service.http.unread import UnreadResponses

MAX_HEAD_BYTES = 65_536
MAX_PIPELINED = 16

_MAX_UNPARSED_BYTES = 65_536  # beyond this, nothing is read
_SLICE_BYTES = 1024  # parsed at once if requests may follow each other: 56 of them at most
_BLANKS = b" \t"
_TOO_LARGE = 431, f"The head of the request has more than {MAX_HEAD_BYTES} bytes."
_NO_HOST = 400, "A request of HTTP/1.1 must have one Host header."


class InvalidHead(Exception):
    """The head of a request breaks a rule that the parser does not check."""


class Flow(FlowControl):
    """Flow control of a connection that reads no more while enough is received and not parsed."""

    is_full = False

    def resume_reading(self) -> None:
        """Read again, unless enough is received."""
        if not self.is_full:
            super().resume_reading()


class Connection(TimedConnection):
    """One connection. Requests for an upgrade are answered as ordinary requests: none is supported."""

    flow: Flow
    max_connections: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # the middleware writes it
        self._unparsed = b""  # received, and not parsed yet
        self._n_body = 0  # bytes of the body of the request that is being parsed
        # Of the body that follows a request to upgrade.
        self._framing: list[tuple[bytes, bytes]] = []
        self._is_in_head = False
        self._is_repeated_head = False
        self._refusal = 400, "Invalid HTTP request received."
        # A refusal, until earlier requests are answered.
        self._deferred: tuple[int, str] | None = None
        self._has_ended = False  # the client sends no more

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head; refuse a connection beyond the limit."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        if self.max_connections is not None and len(self.connections) > self.max_connections:
            self._refuse(503, "The server has as many connections as it can hold. Retry later.")
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was received."""
        self._unparsed = b""
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, unless enough requests are waiting."""
        if self._deferred is None:
            self._unparsed = self._unparsed + data if self._unparsed else data
            self._parse()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what was asked completely, although the client has finished sending; else close."""
        self._has_ended = True
        if not self._unparsed and not self._is_last_answerable():
            return False
        self.presence.start(AT_END_S)
        return True

    def _is_last_answerable(self) -> bool:
        """Return whether an answer is due after the client has finished sending; the last one closes.

        A request that is not complete never will be, so it gets none.
        """
        if self._deferred is not None:
            return True
        self._drop_incomplete()
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        return True

    def _drop_incomplete(self) -> None:
        """Forget the last request, if its body is not complete and it is not being answered."""
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()
            last = self.pipeline[0][0] if self.pipeline else self._answering
            assert last is not None  # something is being answered while others wait
            self.cycle = last

    def _parse(self) -> None:
        """Parse what was received, until enough requests are waiting."""
        data, begin = memoryview(self._unparsed), 0
        while begin < len(data) and len(self.pipeline) < MAX_PIPELINED:
            if self.transport.is_closing() or self._deferred is not None:
                begin = len(data)
                break
            left = len(data) - begin
            n_bytes = left if left <= _SLICE_BYTES else max(_SLICE_BYTES, self._n_body_left())
            begin += self._feed(data[begin : begin + n_bytes])
        self._unparsed = bytes(data[begin:])
        self._hold_if_full()
        if self._has_ended and not self._unparsed and not self._is_last_answerable():
            self.transport.close()

    def _feed(self, part: memoryview) -> int:
        """Parse one part; refuse a head, trailers or chunk sizes without end.

        Returns:
            The number of bytes that were parsed.
        """
        n_bytes = len(part)
        try:
            self._n_unfinished += n_bytes
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade as stop:
            n_bytes = int(stop.args[0])
            self._n_unfinished = 0
            self._parse_body()
        except httptools.HttpParserError:
            self._refuse(*self._refusal)
        is_over = self.transport.is_closing() or self._deferred is not None
        if not self._n_unfinished or is_over:
            return n_bytes
        if self._n_unfinished > MAX_HEAD_BYTES:
            self._refuse(*_TOO_LARGE)
        elif self.cycle is None or not self.cycle.more_body or self.cycle.response_complete:
            self._await_head()
        return n_bytes

    def _parse_body(self) -> None:
        """Parse the body of a request to upgrade, whose end the parser took to be that of the head.

        A new parser does, because the first one ignores all that follows a request that closes the connection.
        """
        if not self._framing:
            return
        self._is_repeated_head = True
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in self._framing)
        self._framing = []
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + lines + b"\r\n")
        except httptools.HttpParserError:
            self._refuse(*self._refusal)

    def _n_body_left(self) -> int:
        """Return how many bytes of the body are missing; 0 if that is unknown."""
        if self.cycle is None or not self.cycle.more_body:
            return 0
        lengths = [int(value) for name, value in self.headers if name == b"content-length"]
        return max(0, sum(lengths) - self._n_body)

    def _hold_if_full(self) -> None:
        """Read no more if enough is received; else read on, so that the end of the connection is noticed."""
        self.flow.is_full = len(self._unparsed) > _MAX_UNPARSED_BYTES
        if self.flow.is_full:
            self.flow.pause_reading()
            if not self.presence.is_active:
                self.presence.start(WHILE_FULL_S)
            return
        if not self._has_ended:
            self.presence.stop()
        if self.pipeline and len(self.cycle.body) <= HIGH_WATER_LIMIT:
            self.flow.resume_reading()

    def on_message_begin(self) -> None:
        """Begin a request; the rest of a body that nobody reads does not keep the connection open."""
        if self._is_repeated_head:
            return
        self._is_in_head = True
        # Of the request before, see `on_header`.
        self.parser.set_dangerous_leniencies(lenient_keep_alive=False)
        self._unset_keepalive_if_required()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL."""
        if not self._is_repeated_head:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, without the blanks behind its value (RFC 9110, section 5.5).

        Fields of trailers are ignored: they may not change what the head said.
        """
        if self._is_in_head:
            super().on_header(name, value.rstrip(_BLANKS))
        elif name.lower() == b"connection" and not self._is_repeated_head:
            # The parser would obey `close`, and take the next requests for nothing.
            self.parser.set_dangerous_leniencies(lenient_keep_alive=True)

    def on_headers_complete(self) -> None:
        """Accept the request, unless its head is too large or does not name one host."""
        if self._is_repeated_head:
            self._is_repeated_head = False
            return
        self._is_in_head = False
        if self._n_unfinished > MAX_HEAD_BYTES:  # though part of it may be the body
            n_bytes = len(self.url) + sum(
                len(name) + len(value) + 4 for name, value in self.headers
            )
            if n_bytes > MAX_HEAD_BYTES:
                self._refusal = _TOO_LARGE
                raise InvalidHead
        n_hosts = sum(name == b"host" for name, _ in self.headers)
        is_old = self.parser.get_http_version() in ("0.9", "1.0")
        if n_hosts > 1 or (n_hosts == 0 and not is_old):
            self._refusal = _NO_HOST
            raise InvalidHead
        if is_old:
            self.expect_100_continue = False  # there are no interim responses
        self._stop_waiting()
        self._unset_keepalive_if_required()  # set if the last response ended within this head
        self._n_body = 0
        if self.parser.should_upgrade():
            names = (b"content-length", b"transfer-encoding")
            self._framing = [header for header in self.headers if header[0] in names]
        super().on_headers_complete()
        one_write: Any = OneWrite(
            self.transport, self.scope["method"]
        )  # it has all methods that uvicorn uses
        self.cycle.transport = one_write

    def on_body(self, body: bytes) -> None:
        """Pass on a chunk of the body."""
        self._n_unfinished = 0
        self._n_body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body, unless the parser took a request to upgrade to have none."""
        self._n_unfinished = 0
        if not self._framing:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answer the next request that waits, or parse the next ones."""
        super().on_response_complete()
        if self.pipeline or self.transport.is_closing():
            return
        is_idle = self._answering is None or self._answering.response_complete
        if self._unparsed:
            self._parse()
        elif self._deferred is not None and is_idle:
            self._write_refusal(*self._deferred)

    def _refuse(self, status: int, sentence: str) -> None:
        """Refuse the request that is being parsed, after the responses to those before it."""
        answering = self._answering
        if answering is None or answering.response_complete or answering.more_body:
            self._write_refusal(status, sentence)
            return
        self._deferred = status, sentence
        self._drop_incomplete()  # its body is invalid

    def _write_refusal(self, status: int, sentence: str) -> None:
        headers = "content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: "
        answer = f"{headers}{len(sentence)}\r\n\r\n{sentence}"
        self.transport.write(STATUS_LINE[status] + answer.encode("ascii"))
        self.transport.close()

    def _should_upgrade(self) -> bool:
        return False


def use_connections(max_connections: int | None = None) -> None:
    """Make every uvicorn server that this process starts from now on use these connections.

    BentoML's worker has no option to choose them.

    Args:
        max_connections: Limit of each server; None is no limit.
    """
    Connection.max_connections = max_connections
    Connection.unread = UnreadResponses()
    HTTP_PROTOCOLS["auto"] = f"{__name__}:{Connection.__name__}"
