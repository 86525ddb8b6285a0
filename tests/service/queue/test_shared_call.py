from __future__ import annotations

import asyncio

import pytest

from service.queue.shared_call import SharedCall

pytestmark = pytest.mark.anyio


class Work:
    """Counts its calls; fails if it is told to."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds, self.n_calls, self.is_broken = seconds, 0, False

    async def __call__(self) -> int:
        self.n_calls += 1
        n_calls = self.n_calls
        await asyncio.sleep(self.seconds)
        if self.is_broken:
            raise ConnectionResetError
        return n_calls


async def test_concurrent_callers_share_one_call() -> None:
    work = Work()
    call = SharedCall(work, 0.1)
    assert await asyncio.gather(*(call() for _ in range(400))) == [1] * 400
    assert await call() == 1  # still fresh
    await asyncio.sleep(0.12)
    assert await call() == 2


async def test_errors_reach_every_caller_and_are_not_kept() -> None:
    work = Work()
    work.is_broken = True
    call = SharedCall(work, 10.0)
    found = await asyncio.gather(*(call() for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [ConnectionResetError] * 3 and work.n_calls == 1
    work.is_broken = False
    assert await call() == 2


async def test_a_caller_that_leaves_takes_nothing_away() -> None:
    work = Work(0.05)
    call = SharedCall(work, 1.0)
    leaving, staying = asyncio.create_task(call()), asyncio.create_task(call())
    await asyncio.sleep(0.01)
    leaving.cancel()
    assert await staying == 1 and work.n_calls == 1
