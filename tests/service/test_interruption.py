from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from seqserve.errors import DeadlineExceeded
from service import interruption
from service.interruption import UnlessGone, UnlessLate

pytestmark = pytest.mark.anyio


class Client:
    """Hangs up when it is told to; `n_asked` says how often that was asked for."""

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
    with UnlessGone(client.receive):
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
    client.gone.set()  # too late to matter
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


async def hurry(seconds: float, of: Callable[[], Awaitable[str]]) -> str:
    with UnlessLate(asyncio.get_running_loop().time() + seconds, "too late"):
        return await of()


async def test_work_in_time_is_left_alone() -> None:
    assert await hurry(0.02, lambda: after(0)) == "done"
    assert await after(0.04) == "done"  # the timer has gone


async def test_work_stops_at_the_deadline() -> None:
    with pytest.raises(DeadlineExceeded, match="too late"):
        await hurry(0.02, lambda: after(60))
    assert await after(0) == "done"  # and what comes after it goes on


async def test_a_deadline_that_has_passed() -> None:
    with pytest.raises(DeadlineExceeded):
        await hurry(-1, lambda: after(60))


async def test_both_reasons_one_in_the_other() -> None:
    client = Client()
    with pytest.raises(DeadlineExceeded):
        await hurry(0.03, lambda: work(client, lambda: after(60)))
    client.gone.set()
    with pytest.raises(ClientDisconnect):
        await hurry(60, lambda: work(client, lambda: after(60)))
