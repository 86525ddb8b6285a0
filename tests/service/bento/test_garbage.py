"""Requests create no reference cycles: the garbage collector would pause all other requests."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from service.http import protocol
from service.http.interruption import PATIENCE_S
from tests import fakes
from tests.service.conftest import serving

N_REQUESTS = 20
REQUESTS = {
    "names": ("POST /v1/ner", b'{"text": ["Ann", "Bob"]}', 200),
    "translation": ("POST /v1/translate", b'{"text": "a b"}', 200),
    "no JSON": ("POST /v1/ner", b"{", 400),
    "an unknown field": ("POST /v1/ner", b'{"text": "a", "colour": 1}', 422),
    "no such route": ("GET /v1/names", b"", 404),
    "another method": ("GET /v1/ner", b"", 405),
    "a slow text": ("POST /v1/ner", b'{"text": "SLOW"}', 200),  # long enough to watch the client
    "a text that is refused": ("POST /v1/ner", b'{"text": "REFUSED"}', 422),
    "a text that fails": ("POST /v1/ner", b'{"text": "POISON"}', 500),
    "a text that is late": ("POST /v1/ner", b'{"text": "SLOW"}', 504),
    "the models": ("GET /v1/models", b"", 200),
    "a file of the page": ("HEAD /page/style.css", b"", 200),
}


@asynccontextmanager
async def connected(
    bundles_dir: Path,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect to a gateway with embedded fake engines, behind the HTTP parser of production."""
    async with serving(bundles_dir) as running:
        config = uvicorn.Config(
            running.application, http=protocol.Connection, lifespan="off", log_config=None
        )
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as sock:
            listening = asyncio.create_task(server.serve([sock]))
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            try:
                yield reader, writer
            finally:
                writer.close()
                server.should_exit = True
                await listening


async def ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    line: str,
    body: bytes,
    timeout_ms: int | None,
) -> int:
    """Send a request and return the status."""
    headers = f"Host: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    if timeout_ms:
        headers += f"\r\nX-Timeout-Ms: {timeout_ms}"
    writer.write(f"{line} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + body)
    answer = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(0 if line.startswith("HEAD") else length)
    return int(answer.split()[1])


@pytest.mark.anyio
@pytest.mark.parametrize("name", REQUESTS)
async def test_requests_leave_no_garbage(
    bundles_dir: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes, "SLOW_S", 2 * PATIENCE_S)
    line, body, status = REQUESTS[name]
    timeout_ms = int(PATIENCE_S * 1500) if status == 504 else None
    async with connected(bundles_dir) as (reader, writer), asyncio.timeout(20):
        request = line, body, timeout_ms
        assert (
            await ask(reader, writer, *request) == status
        )  # warm-up: objects that are created once
        gc.collect()
        gc.disable()
        try:
            for _ in range(N_REQUESTS + 1):  # the last text may still be in an engine
                assert await ask(reader, writer, *request) == status
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            found = Counter(
                f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage
            )
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert {kind: n for kind, n in found.items() if n >= N_REQUESTS} == {}
