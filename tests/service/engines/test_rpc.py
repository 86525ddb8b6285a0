"""Calls over a real socket, with a real server: the engines of a runner receive what the gateway sends."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest
import uvicorn

from seqserve.errors import InputError
from seqserve.model_info import ModelInfo
from seqserve.records import SentimentResult
from service.engines.backend import LocalBackend
from service.engines.host import E, EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.engines.models import Status
from service.engines.rpc import RpcApp, RunnerBackend
from service.queue.batcher import Reply

pytestmark = pytest.mark.anyio


MODEL = ModelInfo("m", "ner", ("en",), ("PER",), "1", "0" * 64, {"max_tokens": 9}, "int8", {})


class Host(EngineHost):
    """Engines that record their calls and answer with the reversed text."""

    def __init__(self) -> None:
        self.models = SimpleNamespace(status=Status((MODEL,)))  # type: ignore[assignment]
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.cancelled: list[str] = []
        self.items: list[InferenceItem] = []

    def compute(self, items: Sequence[InferenceItem], encode: Callable[[Any], E]) -> Reply[E]:
        self.items += items
        self.may_answer.wait(10)
        texts = [item.item["text"] for item in items]
        if "deadly" in texts:
            raise RuntimeError("secret")
        results = [
            InputError("has a bad word.")
            if text == "bad"
            else encode(SentimentResult(text[::-1], 1, {}))
            for text in texts
        ]
        return Reply(results, 0.25)

    def cancel(self, cancellation_ids: Iterable[str]) -> None:
        self.cancelled += cancellation_ids


def item(text: str, **options: Any) -> InferenceItem:
    return InferenceItem("an-id", "m", {"text": text, **options}, time.monotonic() + 60)


async def reverse(engines: RunnerBackend, *texts: str) -> list[str]:
    reply = await engines.predict([item(text) for text in texts])
    return [one.fields["label"] for one in reply.results if isinstance(one, InferenceResult)]


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@asynccontextmanager
async def listening(host: Host, path: Path) -> AsyncIterator[None]:
    engines = LocalBackend(lambda: host, 25)
    await engines.status()
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
    await engines.close()


@asynccontextmanager
async def calling(path: Path, timeout_s: float = 5.0) -> AsyncIterator[RunnerBackend]:
    engines = RunnerBackend(path.as_uri(), timeout_s)
    yield engines
    await engines.close()


async def test_objects_arrive_as_they_were_sent(tmp_path: Path) -> None:
    path, host = tmp_path / "a socket.sock", Host()
    async with listening(host, path), calling(path) as engines:
        assert await engines.status() == Status((MODEL,))
        sent = item("añb", sentences=True)
        sent.traceparent = "00-1-2-01"
        reply = await engines.predict([sent, item("bad"), item("c" * 10**6)])
        await engines.cancel(["a-1", "a-2"])
    (got, *_) = host.items
    assert abs(got.deadline - sent.deadline) < 1
    assert replace(got, deadline=sent.deadline) == sent
    first, second, third = reply.results
    assert isinstance(first, InferenceResult) and first.n_tokens == 0
    expected = {"label": "bña", "score": 1, "scores": {}, "sentences": []}
    assert first.fields == {**expected, "unknown_share": 0.0, "warnings": []}
    assert (type(second), str(second)) == (InputError, "has a bad word.")
    assert isinstance(third, InferenceResult) and third.fields["label"] == "c" * 10**6
    assert reply.engine_s == 0.25
    assert host.cancelled == ["a-1", "a-2"]


async def test_what_cannot_be_encoded_is_not_sent(tmp_path: Path) -> None:
    async with calling(tmp_path / "no-such.sock") as engines:
        with pytest.raises(TypeError):
            await engines.predict([item("a", labels=object())])


async def test_no_batch_holds_up_what_is_short(tmp_path: Path) -> None:
    path, host = tmp_path / "s", Host()
    host.may_answer.clear()
    async with listening(host, path), calling(path) as engines:
        batches = [asyncio.create_task(reverse(engines, f"a{i}")) for i in range(20)]
        await asyncio.sleep(0.05)
        assert await engines.status() == host.status
        await engines.cancel(["one"])
        assert not any(batch.done() for batch in batches)
        host.may_answer.set()
        assert await asyncio.gather(*batches) == [[f"a{i}"[::-1]] for i in range(20)]


async def test_a_runner_that_is_away_breaks_down_or_hangs(tmp_path: Path) -> None:
    path, host = tmp_path / "s", Host()
    async with calling(path, 0.1) as engines:
        with pytest.raises(aiohttp.ClientConnectorError):
            await engines.status()
        async with listening(host, path):
            with pytest.raises(aiohttp.ClientResponseError):
                await reverse(engines, "deadly")
            assert await reverse(engines, "ab") == ["ba"]
            host.may_answer.clear()
            with pytest.raises(TimeoutError):
                await reverse(engines, "slow")
            host.may_answer.set()
        with pytest.raises(aiohttp.ClientError):
            await engines.status()
        path.unlink(missing_ok=True)
        async with listening(host, path):  # it has recovered
            assert await engines.status() == host.status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/predict"), ("POST", "/"), ("POST", "/metrics"), ("PUT", "/status")],
)
async def test_there_is_nothing_else(method: str, path: str) -> None:
    transport = httpx.ASGITransport(RpcApp(lambda: LocalBackend(Host, 1)))
    async with httpx.AsyncClient(transport=transport, base_url="http://runner") as client:
        assert (await client.request(method, path)).status_code == 404
