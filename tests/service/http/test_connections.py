"""Connections that ask much at once, ask for an upgrade, stop half-way or read nothing."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from service.http import protocol, unread
from service.http.protocol import MAX_PIPELINED
from tests.service.http.listening import listening

pytestmark = pytest.mark.anyio

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b'{"text": "a"}'
UPGRADES = {
    "h2c, as Java and curl ask": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n",
    "WebSocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "TLS": b"Upgrade: TLS/1.2\r\nConnection: upgrade\r\n",
    "several": b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c, foo/2\r\n",
}


class Echo:
    """ASGI application: echoes the body after the path, and records what it does."""

    def __init__(self, seconds: float = 0.0, n_bytes: int = 0) -> None:
        self.seconds, self.n_bytes = seconds, n_bytes
        self.paths: list[str] = []
        self.n_cancelled = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        body = await Request(scope, receive).body()
        waiting = asyncio.create_task(asyncio.sleep(self.seconds))
        gone = asyncio.create_task(receive())
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        self.n_cancelled += not waiting.done()
        gone.cancel()
        answer = PlainTextResponse(
            f"[{scope['path']} ".encode() + body + b"]" + b"." * self.n_bytes
        )
        await answer(scope, receive, send)


class Reader:
    """ASGI application: reads the body, and answers if the client is still there."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with suppress(ClientDisconnect):
            await Request(scope, receive).body()
            await PlainTextResponse("read")(scope, receive, send)


async def send(port: int, *parts: bytes, is_half_closed: bool = False) -> bytes:
    """Send parts in packets of their own; return all that comes until a pause or the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.02)
    if is_half_closed:
        writer.write_eof()
    received = b""
    try:
        async with asyncio.timeout(0.5) as limit:
            while data := await reader.read(1 << 16):
                received += data
                limit.reschedule(asyncio.get_running_loop().time() + 0.3)
    except TimeoutError:
        pass
    writer.close()
    return received


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def head(upgrade: bytes, framing: bytes) -> bytes:
    return b"POST /a HTTP/1.1\r\nHost: x\r\n" + upgrade + framing + b"\r\n"


LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"5\r\n" + BODY[:5] + b"\r\n%x\r\n" % (len(BODY) - 5) + BODY[5:] + b"\r\n0\r\n\r\n"
DELIVERIES: dict[str, Callable[[bytes], tuple[list[bytes], int]]] = {
    "one packet": lambda up: ([head(up, LENGTH) + BODY], 1),
    "two packets": lambda up: ([head(up, LENGTH), BODY], 1),
    "a packet inside the head": lambda up: (
        [(whole := head(up, LENGTH))[:40], whole[40:] + BODY],
        1,
    ),
    "a packet inside the body": lambda up: ([head(up, LENGTH) + BODY[:3], BODY[3:]], 1),
    "chunks": lambda up: ([head(up, CHUNKED) + CHUNKS], 1),
    "chunks in packets": lambda up: ([head(up, CHUNKED), CHUNKS[:9], CHUNKS[9:]], 1),
    "another request behind": lambda up: ([head(up, LENGTH) + BODY + GET % 2], 2),
    "another upgrade behind": lambda up: (
        [head(up, LENGTH) + BODY + head(up, LENGTH) + BODY],
        2,
    ),
    "a body that looks like a request": lambda up: (
        [head(up, b"Content-Length: %d\r\n" % len(GET % 9)) + GET % 9],
        1,
    ),
}


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("delivery", DELIVERIES)
async def test_an_upgrade_that_is_not_supported_loses_nothing(upgrade: str, delivery: str) -> None:
    app = Echo()
    parts, n_requests = DELIVERIES[delivery](UPGRADES[upgrade])
    async with listening(app) as (port, _):
        received = await send(port, *parts)
    assert statuses(received) == [200] * n_requests
    assert len(app.paths) == n_requests  # no part of a body was taken for a request
    body = GET % 9 if "looks like" in delivery else BODY
    assert b"[/a " + body + b"]" in received


CLOSING = {
    "HTTP/1.0": (b"HTTP/1.0", b"Connection: Upgrade\r\n"),
    "close": (b"HTTP/1.1", b"Connection: Upgrade, close\r\n"),
}


@pytest.mark.parametrize("kind", CLOSING)
async def test_an_upgrade_on_a_connection_that_closes_loses_nothing(kind: str) -> None:
    version, connection = CLOSING[kind]
    raw = head(b"Upgrade: h2c\r\n" + connection, LENGTH).replace(b"HTTP/1.1", version) + BODY
    async with listening(Echo()) as (port, _):
        assert (await send(port, raw)).endswith(b"[/a " + BODY + b"]")


async def test_an_upgrade_with_an_invalid_body_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    upgrade = UPGRADES["WebSocket"]
    async with listening(Reader()) as (port, _):
        received = await send(port, head(upgrade, b"Transfer-Encoding: foo\r\n") + BODY)
    assert statuses(received) == [400]
    assert not caplog.records


LATE = {
    "nothing": (LENGTH, b""),
    "a part": (LENGTH, BODY[:1]),
    "the whole": (LENGTH, BODY),
    "a part of a chunk": (CHUNKED, CHUNKS[:9]),
    "all chunks": (CHUNKED, CHUNKS),
}


@pytest.mark.parametrize("name", LATE)
async def test_a_body_after_the_response_keeps_no_connection_open(name: str) -> None:
    framing, late = LATE[name]
    async with listening(PlainTextResponse("early"), keep_alive_s=1) as (port, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(b"", framing))
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.write(late)
        await asyncio.sleep(1.5)
        assert not connections
        writer.close()


async def test_pipelined_requests_are_answered_in_order() -> None:
    app = Echo()
    n_requests = 500
    async with listening(app) as (port, _):
        received = await send(port, b"".join(GET % i for i in range(n_requests)))
    found = [int(i) for i in re.findall(rb"\[/(\d+) \]", received)]
    assert found == list(range(n_requests))


async def test_pipelined_bodies_arrive_whole() -> None:
    bodies = [bytes([65 + i]) * (3000 * i) for i in range(20)]
    raw = b"".join(
        b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (i, len(body)) + body
        for i, body in enumerate(bodies)
    )
    async with listening(Echo()) as (port, _):
        received = await send(port, raw)
    assert re.findall(rb"\[/\d+ ([A-Z]*)\]", received) == bodies


@pytest.mark.parametrize("size", [700, 100_000])
async def test_few_pipelined_requests_are_parsed_ahead(size: int) -> None:
    """The first one takes long; the number of those behind it is bounded, however it is sent."""
    raw = GET % 1 * 50_000
    async with listening(Echo(seconds=0.5)) as (port, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        n_sent = 0
        for begin in range(0, len(raw), size):
            writer.write(raw[begin : begin + size])
            n_sent += size
            await asyncio.sleep(0)
            if begin > 300_000:
                break
        await asyncio.sleep(0.2)
        (connection,) = connections
        assert (
            0
            < len(connection.pipeline)
            <= MAX_PIPELINED + protocol._SLICE_BYTES // len(GET % 1) + 1
        )
        assert len(connection._unparsed) <= 300_000
        assert not connection.transport.is_reading()
        writer.close()


async def test_a_client_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "WRITE_S", 0.2)
    app = Echo(n_bytes=4_000_000)
    async with listening(app) as (port, connections):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(GET % 1 * 100)
            await asyncio.sleep(1.0)
            assert not connections
            assert len(app.paths) < 5


async def test_a_slow_reader_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "WRITE_S", 1.0)
    async with listening(Echo(n_bytes=8_000_000)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 14)
        writer.write(GET % 1)
        n_read = 0
        while n_read < 8_000_000:
            n_read += len(await reader.read(1 << 19))
            await asyncio.sleep(0.005)
        writer.close()


HALF: dict[str, tuple[bytes, list[int]]] = {
    "a request": (GET % 1, [100, 200]),
    "a request with a body": (head(b"", LENGTH) + BODY, [100, 200]),
    "three requests": (GET % 1 + GET % 2 + GET % 3, [200, 200, 100, 200]),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", [200]),
    "nothing": (b"", []),
    "half a head": (b"GET / HT", []),
    "half a body": (head(b"", LENGTH) + BODY[:5], []),
}


@pytest.mark.parametrize("name", HALF)
async def test_a_client_that_has_finished_sending_is_answered(name: str) -> None:
    raw, expected = HALF[name]
    async with listening(Echo(seconds=0.1)) as (port, connections):
        received = await send(port, raw, is_half_closed=True)
        await asyncio.sleep(0.05)
        assert not connections
    assert sorted(set(statuses(received))) == sorted(set(expected))
    assert statuses(received).count(200) == expected.count(200)


async def test_a_client_that_is_gone_is_noticed() -> None:
    app = Echo(seconds=2.0)
    async with listening(app) as (port, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(b"", LENGTH) + BODY)
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.3)
        assert app.n_cancelled == 1 and not connections


@pytest.mark.parametrize("n_behind", [1, 40, 1500])
async def test_a_client_that_is_gone_is_noticed_with_requests_waiting(n_behind: int) -> None:
    app = Echo(seconds=2.0)
    async with listening(app) as (port, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(b"", LENGTH) + BODY + GET % 1 * n_behind)
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.4)
        assert app.paths == ["/a"] and app.n_cancelled == 1 and not connections


@pytest.mark.parametrize("n_requests", [2, 100])
async def test_many_requests_of_a_client_that_has_finished_sending(n_requests: int) -> None:
    raw = b"".join(GET % i for i in range(n_requests))
    async with listening(Echo(seconds=0.001)) as (port, connections):
        received = await send(port, raw, is_half_closed=True)
        await asyncio.sleep(0.05)
        assert not connections
    assert [int(i) for i in re.findall(rb"\[/(\d+) \]", received)] == [*range(n_requests)]


async def test_more_connections_than_the_limit() -> None:
    async with listening(Echo(), limit=5) as (port, _):
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert statuses(await send(port)) == [503]
        held.pop()[1].close()
        await asyncio.sleep(0.05)
        assert statuses(await send(port, GET % 1)) == [200]
        for _, writer in held:
            writer.close()


HOSTS: dict[str, tuple[bytes, int]] = {
    "none": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "the same twice": (b"GET / HTTP/1.1\r\nhost: a\r\nHOST: a\r\n\r\n", 400),
    "two in HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "an empty one": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 200),
    "none in HTTP/1.0": (b"GET / HTTP/1.0\r\n\r\n", 200),
}


@pytest.mark.parametrize("name", HOSTS)
async def test_hosts(name: str) -> None:
    raw, status = HOSTS[name]
    async with listening(Echo()) as (port, _):
        assert statuses(await send(port, raw)) == [status]
