"""What comes after the head of a request does not change what the head said."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from service.http import presence
from tests.service.http.listening import listening
from tests.service.http.test_connections import (
    BODY,
    CHUNKED,
    GET,
    LENGTH,
    Echo,
    head,
    send,
    statuses,
)

pytestmark = pytest.mark.anyio

TRAILERS = {
    "unknown": b"X-Late: 1\r\n",
    "a key": b"Authorization: Bearer x\r\n",
    "a host": b"Host: elsewhere\r\n",
    "an encoding": b"Content-Encoding: gzip\r\n",
    "an expectation": b"Expect: 100-continue\r\n",
    "close": b"Connection: close\r\n",
    "close in capitals": b"CONNECTION: Close\r\n",
    "close among others": b"Connection: foo, close\r\n",
    "close twice": b"Connection: close\r\nConnection: close\r\n",
    "an upgrade": b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "keep-alive": b"Connection: keep-alive\r\n",
}
CHUNK = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n"


async def headers_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the names of the headers, after the body was read."""
    await Request(scope, receive).body()
    await JSONResponse([name.decode() for name, _ in scope["headers"]])(scope, receive, send)


@pytest.mark.parametrize("name", TRAILERS)
@pytest.mark.parametrize("is_split", [False, True])
async def test_trailers_are_no_headers_and_end_no_connection(name: str, is_split: bool) -> None:
    parts = [head(b"", CHUNKED) + CHUNK, TRAILERS[name] + b"\r\n" + GET % 2 + GET % 3]
    async with listening(headers_app) as (port, _):
        received = await send(port, *(parts if is_split else [b"".join(parts)]))
    assert statuses(received) == [200] * 3
    found = re.findall(rb"\[[^]]*\]", received)
    assert found == [b'["host","transfer-encoding"]', b'["host"]', b'["host"]']
    assert b"connection: close" not in received


async def test_a_head_that_closes_after_trailers_that_close() -> None:
    raw = head(b"", CHUNKED) + CHUNK + b"Connection: close\r\n\r\n"
    closing = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    app = Echo()
    async with listening(app) as (port, connections):
        received = await send(port, raw + closing + GET % 9)
        assert not connections
    assert app.paths == ["/a", "/last"] and statuses(received) == [200, 200]


@pytest.mark.parametrize("field", [b"Content-Length: 3\r\n", b"Transfer-Encoding: gzip\r\n"])
async def test_framing_in_trailers_is_refused(field: bytes) -> None:
    async with listening(headers_app) as (port, _):
        received = await send(port, head(b"", CHUNKED) + CHUNK + field + b"\r\n" + GET % 2)
    assert statuses(received) == [400]


EXPECTATIONS: dict[str, tuple[bytes, list[int]]] = {
    "HTTP/1.1": (b"HTTP/1.1", [100, 200]),
    "HTTP/1.0": (b"HTTP/1.0", [200]),
    "HTTP/0.9": (b"HTTP/0.9", [200]),
}


@pytest.mark.parametrize("name", EXPECTATIONS)
async def test_only_clients_that_know_interim_responses_get_one(name: str) -> None:
    version, expected = EXPECTATIONS[name]
    raw = head(b"Expect: 100-continue\r\n", LENGTH).replace(b"HTTP/1.1", version)
    async with listening(Echo()) as (port, _):
        assert statuses(await send(port, raw, BODY)) == expected


INCOMPLETE: dict[str, tuple[bytes, int]] = {
    "half a head": (b"GET / HTTP/1.1\r\nHo", 2),
    "a head without its body": (head(b"", LENGTH), 2),
    "half a body": (head(b"", LENGTH) + BODY[:5], 2),
    "half a chunk": (head(b"", CHUNKED) + b"5\r\nab", 2),
    "chunks without an end": (head(b"", CHUNKED) + CHUNK, 2),
    "half an upgrade": (head(b"Connection: Upgrade\r\nUpgrade: h2c\r\n", LENGTH) + BODY[:5], 2),
    "half a body behind many": (GET % 1 * 60 + head(b"", LENGTH) + BODY[:5], 62),
    "half a body behind very many": (GET % 1 * 3000 + head(b"", LENGTH) + BODY[:5], 3002),
}


@pytest.mark.parametrize("name", INCOMPLETE)
@pytest.mark.parametrize("seconds", [0.0, 0.15])
async def test_an_incomplete_request_at_the_end_costs_those_before_it_nothing(
    name: str, seconds: float
) -> None:
    part, n_complete = INCOMPLETE[name]
    app = Echo(seconds=seconds if n_complete < 9 else seconds / 1000)
    async with listening(app) as (port, connections):
        received = await send(port, GET % 1 + GET % 2 + part, is_half_closed=True)
        assert not connections
    assert statuses(received).count(200) == n_complete
    assert "/a" not in app.paths[:n_complete]


async def test_no_timer_outlives_a_half_closed_connection() -> None:
    async with listening(Echo(seconds=0.1)) as (port, connections):
        reading = send(port, GET % 1, is_half_closed=True)
        (seen, received) = await _observe(reading, connections)
    assert statuses(received)[-1] == 200
    assert not seen.presence.is_active and seen._head_timer is None
    assert seen.timeout_keep_alive_task is None
    assert max(presence.AT_END_S) > 1  # else the timers would have ended by themselves


async def _observe(reading: Any, connections: set[Any]) -> tuple[Any, bytes]:
    task = asyncio.create_task(reading)
    while not connections:
        await asyncio.sleep(0.005)
    (seen,) = connections
    return seen, await task
