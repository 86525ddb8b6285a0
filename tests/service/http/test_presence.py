"""Clients that are gone while nothing is read from their connections, and clients that only look so."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable

import pytest

from tests.service.http.listening import listening
from tests.service.http.test_connections import GET, Echo, send

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


def close(writer: asyncio.StreamWriter) -> None:
    """Close; the system goes on to send what it has."""
    writer.transport.abort()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a process that is killed with unread data."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def half_close(writer: asyncio.StreamWriter) -> None:
    """Close after an end that the server may never read."""
    writer.write_eof()
    writer.transport.abort()


@pytest.mark.parametrize("end", [close, reset, half_close])
# 64 KiB are 2,100 requests; the buffers of the system hold some 10 times as many
@pytest.mark.parametrize("n_behind", [2_500, 6_000, 500_000])
async def test_a_client_with_many_requests_is_gone(
    end: Callable[[asyncio.StreamWriter], None], n_behind: int
) -> None:
    app = Echo(seconds=8.0)
    async with listening(app) as (port, connections):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1 * n_behind)
        await asyncio.sleep(0.15)
        (connection,) = connections
        assert not connection.transport.is_reading()
        assert callable(end)
        end(writer)
        async with asyncio.timeout(4):
            while connections:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        assert app.paths == ["/1"] and app.n_cancelled == 1
        assert not connection.presence.is_active


@pytest.mark.parametrize("is_half_closed", [False, True])
async def test_a_client_with_many_requests_that_stays_gets_all_answers(
    is_half_closed: bool,
) -> None:
    n_requests = 4_000

    async def app(scope: object, receive: object, send: object) -> None:
        await (slow if not slow.paths else quick)(scope, receive, send)

    slow, quick = Echo(seconds=0.4), Echo()
    async with listening(app) as (port, _):
        raw = b"".join(GET % i for i in range(n_requests))
        received = await send(port, raw, is_half_closed=is_half_closed)
    found = re.findall(rb"HTTP/1.1 (100|200)|\[/(\d+) \]", received)
    assert [int(i) for _, i in found if i] == [*range(n_requests)]
    assert (b"100", b"") in found  # asked whether it is there
