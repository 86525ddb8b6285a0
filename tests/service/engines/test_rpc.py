"""Calls over a real socket, by a real server: what the gateway asks is what a runner's engines hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import uvicorn

from service.engines.client import EngineBackend
from service.engines.rpc import RpcApp, RunnerBackend

pytestmark = pytest.mark.anyio


class Heard:
    """Engines that note what they are asked."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.cancelled: list[str] = []

    async def status(self) -> bytes:
        return b"well"

    async def predict(self, packed: bytes) -> bytes:
        await self.may_answer.wait()
        if packed == b"deadly":
            raise RuntimeError("secret")
        return packed[::-1]

    async def cancel(self, cancellation_ids: list[str]) -> None:
        self.cancelled += cancellation_ids

    async def close(self) -> None:
        pass


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@asynccontextmanager
async def listening(engines: EngineBackend, path: Path) -> AsyncIterator[None]:
    config = uvicorn.Config(RpcApp(lambda: engines), uds=str(path), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    server.capture_signals = _nothing  # type: ignore[method-assign]
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), running
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await running


@asynccontextmanager
async def calling(path: Path, timeout_s: float = 5.0) -> AsyncIterator[RunnerBackend]:
    engines = RunnerBackend(path.as_uri(), timeout_s)
    yield engines
    await engines.close()


async def test_bytes_come_and_go_whatever_they_are(tmp_path: Path) -> None:
    path, heard = tmp_path / "a socket.sock", Heard()
    async with listening(heard, path), calling(path) as engines:
        assert await engines.status() == b"well"
        for packed in (b"\x00\xff\r\n\r\n", b"", bytes(range(256)) * 40_000):
            assert await engines.predict(packed) == packed[::-1]
        await engines.cancel(["a-1", "a-2"])
    assert heard.cancelled == ["a-1", "a-2"]


async def test_no_batch_holds_up_what_is_short(tmp_path: Path) -> None:
    path, heard = tmp_path / "s", Heard()
    heard.may_answer.clear()
    async with listening(heard, path), calling(path) as engines:
        batches = [asyncio.create_task(engines.predict(bytes([1, i]))) for i in range(20)]
        await asyncio.sleep(0.05)
        assert await engines.status() == b"well"
        await engines.cancel(["one"])
        assert not any(batch.done() for batch in batches)
        heard.may_answer.set()
        assert await asyncio.gather(*batches) == [bytes([i, 1]) for i in range(20)]


async def test_a_runner_that_is_away_breaks_down_or_hangs(tmp_path: Path) -> None:
    path, heard = tmp_path / "s", Heard()
    async with calling(path, 0.1) as engines:
        with pytest.raises(aiohttp.ClientConnectorError):
            await engines.status()
        async with listening(heard, path):
            with pytest.raises(aiohttp.ClientResponseError):
                await engines.predict(b"deadly")
            assert await engines.predict(b"ab") == b"ba"
            heard.may_answer.clear()
            with pytest.raises(TimeoutError):
                await engines.predict(b"slow")
            heard.may_answer.set()
        with pytest.raises(aiohttp.ClientError):
            await engines.status()
        path.unlink(missing_ok=True)
        async with listening(heard, path):  # it is back
            assert await engines.status() == b"well"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/predict"), ("POST", "/"), ("POST", "/metrics"), ("PUT", "/status")],
)
async def test_there_is_nothing_else(method: str, path: str) -> None:
    transport = httpx.ASGITransport(RpcApp(Heard))
    async with httpx.AsyncClient(transport=transport, base_url="http://runner") as client:
        assert (await client.request(method, path)).status_code == 404
