"""Responses that nobody reads: each is timed, and all of them together are bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest
from starlette.responses import PlainTextResponse

from service.http import protocol, unread
from service.http.unread import UnreadResponses
from tests.service.http.listening import listening

pytestmark = pytest.mark.anyio
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Buffer:
    """A transport with unread bytes."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.n_bytes

    def abort(self) -> None:
        self.is_aborted = True


ROWS: dict[str, tuple[list[int], list[int]]] = {
    "few bytes": ([40, 40, 20], []),
    "too many": ([40, 40, 30], [0]),
    "far too many": ([40, 40, 90], [0, 1]),
    "one large response": ([500], []),
    "one large response behind others": ([10, 10, 500], [0, 1]),
    "one large response before others": ([500, 10, 10], [0]),
}


@pytest.mark.parametrize("name", ROWS)
async def test_the_oldest_are_closed(name: str) -> None:
    sizes, closed = ROWS[name]
    responses, buffers = UnreadResponses(max_bytes=100), [Buffer(n) for n in sizes]
    for buffer in buffers:
        responses.hold(cast(Any, buffer))
    assert [i for i, buffer in enumerate(buffers) if buffer.is_aborted] == closed


async def test_what_was_read_meanwhile_does_not_count() -> None:
    responses, buffers = UnreadResponses(max_bytes=100), [Buffer(60) for _ in range(4)]
    responses.hold(cast(Any, buffers[0]))
    buffers[0].n_bytes = 10
    for buffer in buffers[1:3]:
        responses.hold(cast(Any, buffer))
        responses.release(cast(Any, buffer))
        responses.release(cast(Any, buffer))  # of a connection that is not held: no effect
    responses.hold(cast(Any, buffers[3]))
    assert not any(buffer.is_aborted for buffer in buffers)


@pytest.fixture
def silent() -> Iterator[list[socket.socket]]:
    """Connections whose clients do not read; to be filled by the test."""
    found: list[socket.socket] = []
    yield found
    for sock in found:
        sock.close()


async def ask_in_silence(port: int, connections: set[Any], silent: list[socket.socket]) -> Any:
    """Send a request over buffers of few kB, and read nothing; return the connection of the server."""
    before = set(connections)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect(("127.0.0.1", port))
    silent.append(sock)
    while not connections - before:
        await asyncio.sleep(0.01)
    (connection,) = connections - before
    of_server = connection.transport.get_extra_info("socket")
    of_server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
    sock.sendall(GET)
    await asyncio.sleep(0.05)
    return connection


@pytest.mark.parametrize("n_bytes", [20_000, 60_000, 1_000_000])
async def test_every_response_that_is_not_read_is_timed(
    monkeypatch: pytest.MonkeyPatch, silent: list[socket.socket], n_bytes: int
) -> None:
    monkeypatch.setattr(unread, "WRITE_S", 0.3)
    async with listening(PlainTextResponse("." * n_bytes), keep_alive_s=60) as (port, connections):
        connection = await ask_in_silence(port, connections, silent)
        assert 0 < connection.transport.get_write_buffer_size() <= n_bytes + 500
        await asyncio.sleep(0.6)
        assert not connections


async def test_all_that_are_not_read_are_bounded(
    monkeypatch: pytest.MonkeyPatch, silent: list[socket.socket]
) -> None:
    async with listening(PlainTextResponse("." * 100_000)) as (port, connections):
        monkeypatch.setattr(protocol.Connection, "unread", UnreadResponses(max_bytes=450_000))
        made = [await ask_in_silence(port, connections, silent) for _ in range(7)]
        assert connections == set(made[-4:])
        for sock in silent:
            sock.close()


async def test_a_client_that_reads_later_is_answered(silent: list[socket.socket]) -> None:
    async with listening(PlainTextResponse("." * 100_000)) as (port, connections):
        await ask_in_silence(port, connections, silent)
        silent[0].setblocking(False)
        n_bytes, loop = 0, asyncio.get_running_loop()
        while n_bytes < 100_000:
            n_bytes += len(await loop.sock_recv(silent[0], 1 << 16))
        assert len(connections) == 1  # and may ask again
        silent[0].close()


async def test_no_timer_outlives_its_connection(silent: list[socket.socket]) -> None:
    async with listening(PlainTextResponse("." * 100_000)) as (port, connections):
        connection = await ask_in_silence(port, connections, silent)
        held = connection.unread._waiting[connection.transport]
        silent[0].close()
        await asyncio.sleep(0.1)
        assert not connections and held.timer.cancelled()
        assert connection.unread._n_bytes == 0
