from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from seqserve.errors import DeadlineExceeded
from service.http import interruption
from service.http.interruption import Guard

pytestmark = pytest.mark.anyio


class Client:
    """A client that disconnects on demand; `n_asked` counts the calls of `receive`."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.n_asked = 0

    async def receive(self) -> Message:
        self.n_asked += 1
        if self.n_asked == 1:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def work(client: Client, of: Callable[[], Awaitable[str]]) -> str:
    with Guard(client.receive, asyncio.get_running_loop().time() + 0.02) as guard:
        guard.note_body()
        return await of()


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "PATIENCE_S", 0.01)


async def after(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def test_quick_work_is_not_watched() -> None:
    client = Client()
    assert await work(client, lambda: after(0)) == "done"
    await asyncio.sleep(0.03)
    assert client.n_asked == 0


async def test_slow_work_is_watched_and_comes_back() -> None:
    client = Client()
    assert await work(client, lambda: after(0.05)) == "done"
    assert client.n_asked == 2
    client.gone.set()  # too late to have an effect
    await asyncio.sleep(0.01)


async def test_work_stops_when_the_client_hangs_up() -> None:
    client, stopped = Client(), asyncio.Event()

    async def forever() -> str:
        try:
            return await after(60)
        finally:
            stopped.set()

    waiting = asyncio.create_task(work(client, forever))
    await asyncio.sleep(0.03)
    client.gone.set()
    with pytest.raises(ClientDisconnect):
        await waiting
    assert stopped.is_set() and not waiting.cancelled()


async def test_an_error_of_the_work_comes_through() -> None:
    async def fail() -> str:
        raise KeyError

    with pytest.raises(KeyError):
        await work(Client(), fail)


async def test_being_cancelled_by_others_is_no_hang_up() -> None:
    client = Client()
    waiting = asyncio.create_task(work(client, lambda: after(60)))
    await asyncio.sleep(0.03)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_both_at_once_is_a_cancellation() -> None:
    client = Client()
    waiting = asyncio.create_task(work(client, lambda: after(60)))
    await asyncio.sleep(0.03)
    client.gone.set()
    await asyncio.sleep(0)  # the watcher is about to run
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def read(client: Client, seconds: float, of: Callable[[], Awaitable[str]]) -> str:
    with Guard(client.receive, asyncio.get_running_loop().time() + seconds) as guard:
        body = await of()
        guard.note_body()
        return body


async def test_a_body_in_time_is_left_alone() -> None:
    client = Client()
    assert await read(client, 0.05, lambda: after(0.03)) == "done"
    assert await after(0.04) == "done"  # the timer was cancelled
    assert client.n_asked == 0  # while the body arrived, and after its end


@pytest.mark.parametrize("seconds", [0.035, 0.005, -1.0], ids=["later", "soon", "passed"])
async def test_a_body_that_does_not_come_in_time(seconds: float) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(DeadlineExceeded, match="before the body was complete"):
        await read(Client(), seconds, lambda: after(60))
    assert asyncio.get_running_loop().time() - started < max(seconds, 0) + 1
    assert await after(0) == "done"  # and the code after the block continues


async def test_a_client_is_watched_from_its_body_on() -> None:
    client = Client()

    async def both() -> str:
        with Guard(client.receive, asyncio.get_running_loop().time() + 60) as guard:
            await after(0.03)
            assert client.n_asked == 0
            guard.note_body()
            client.gone.set()
            return await after(60)

    with pytest.raises(ClientDisconnect):
        await both()
