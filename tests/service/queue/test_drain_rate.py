from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from service.queue import admission
from service.queue.admission import QueueFull
from service.queue.batcher import Batcher, Reply
from service.queue.drain_rate import DrainRate
from service.queue.limits import BatchLimits
from tests.service.queue.virtual_time import run


def drained(*calls: tuple[float, int, int]) -> DrainRate:
    """Return the drain rate after sequential calls of these seconds, texts and tokens."""
    rate, now = DrainRate(), 0.0
    rate.begin(now)
    for seconds, n_texts, n_tokens in calls:
        now += seconds
        rate.complete(now, n_texts, n_tokens)
    return rate


@pytest.mark.parametrize(
    ("n_texts", "n_tokens", "seconds"),
    [
        pytest.param(20, 1, 10.0, id="the-texts-take-longer"),
        pytest.param(1, 400, 20.0, id="the-tokens-take-longer"),
        pytest.param(1, 1, 0.5, id="half-a-call-at-least"),
        pytest.param(20, -100, 10.0, id="enough-tokens-are-free"),
    ],
)
def test_the_pace_is_that_of_the_calls(n_texts: int, n_tokens: int, seconds: float) -> None:
    rate = drained(*[(1.0, 2, 20)] * 50)
    assert rate.seconds(n_texts, n_tokens) == pytest.approx(seconds)


def test_nothing_is_known_before_the_first_call() -> None:
    assert DrainRate().seconds(100, 100) == 0


def test_idle_time_does_not_count() -> None:
    rate = drained((1.0, 2, 20))
    rate.begin(1000.0)
    rate.complete(1001.0, 2, 20)
    assert rate.seconds(2, 20) == pytest.approx(1.0)


def test_calls_that_go_on_at_the_same_time_count_together() -> None:
    alone, together = drained(*[(2.0, 1, 10)] * 50), drained(*[(0.5, 1, 10)] * 50)
    assert alone.seconds(8, 80) == pytest.approx(4 * together.seconds(8, 80))


def test_a_full_batch_weighs_more_than_lone_texts_before_it() -> None:
    """A lone text takes 10 ms here; 32 in a batch take 50 ms, so 320 take half a second."""
    rate = drained(*[(0.01, 1, 10)] * 100, *[(0.05, 32, 320)] * 3)
    assert 0.5 < rate.seconds(320, 3200) < 1.0


@dataclass
class Machine:
    """Concurrent calls that share one processor, so that each is slower.

    Args:
        tokens_per_s: Padded tokens.
        overhead_s: Of every call.
    """

    tokens_per_s: float
    overhead_s: float
    n_running: int = 0

    async def __call__(self, items: list[int]) -> Reply[int]:
        self.n_running += 1
        seconds = self.overhead_s + len(items) * max(items) / self.tokens_per_s * self.n_running
        await asyncio.sleep(seconds)
        self.n_running -= 1
        return Reply(items, seconds)


class Crowd:
    """Callers with mixed lengths and sizes, on one queue.

    Args:
        machine: Computes the batches.
        limits: Of the queue.
    """

    def __init__(self, machine: Machine, limits: BatchLimits) -> None:
        self.limits = limits
        self.batcher: Batcher[int, int] = Batcher("ner", machine, lambda items: None, limits)
        self.chance = random.Random(1)
        self.callers: set[asyncio.Task[None]] = set()

    async def ask(self, items: list[int]) -> None:
        await self.batcher.submit([(n, n) for n in items], asyncio.get_running_loop().time() + 1e6)

    def items(self, n_texts: int) -> list[int]:
        return [round(2 * 250 ** self.chance.random()) for _ in range(n_texts)]

    async def keep_full(self, seconds: float) -> None:
        """Every rejected caller retries after 20 ms."""
        loop = asyncio.get_running_loop()
        end, items = loop.time() + seconds, self.items(1)
        while loop.time() < end:
            caller = loop.create_task(self.ask(items))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if caller.done() and isinstance(caller.exception(), QueueFull):
                await asyncio.sleep(0.02)
            else:
                self.callers.add(caller)
                items = self.items(self.chance.choice((1, 1, 1, 8, 64)))

    async def wait_for_room(self, n_texts: int) -> tuple[float, float]:
        """Return the estimated and the actual seconds until one more request is accepted, without others."""
        loop, items, estimated = asyncio.get_running_loop(), [60] * n_texts, 0.0
        start = loop.time()
        while True:
            caller = loop.create_task(self.ask(items))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not (caller.done() and isinstance(caller.exception(), QueueFull)):
                self.callers.add(caller)
                return estimated, loop.time() - start
            estimated = estimated or self.batcher.admission.seconds_until_room(
                n_texts, sum(items), 1e6, loop.time()
            )
            await asyncio.sleep(0.01)

    async def go_home(self) -> None:
        for caller in self.callers:
            caller.cancel()
        await asyncio.gather(*self.callers, return_exceptions=True)


@pytest.mark.parametrize(
    ("n_calls", "tokens_per_s", "has_calm_past"),
    [(1, 50_000, False), (1, 2_000, False), (1, 2_000, True), (8, 2_000, False), (8, 2_000, True)],
)
def test_the_promised_time_is_about_when_there_is_room(
    n_calls: int, tokens_per_s: int, has_calm_past: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_CROWDED_S", 0.0)  # the capacity alone decides

    async def simulate() -> list[tuple[float, float]]:
        limits = BatchLimits(1024, 15 * tokens_per_s, 32, 8192 // n_calls, n_calls)
        crowd = Crowd(Machine(tokens_per_s, 0.004), limits)
        for _ in range(50 if has_calm_past else 0):
            await crowd.ask(crowd.items(1))
            await asyncio.sleep(0.1)
        found = []
        for n_texts in (64, 128, 200) * 4:
            await crowd.keep_full(5)
            found.append(await crowd.wait_for_room(n_texts))
        await crowd.go_home()
        return [(estimated, waited) for estimated, waited in found if estimated]

    found = run(simulate())
    assert len(found) >= 8
    estimated, waited = (sum(seconds) for seconds in zip(*found, strict=True))
    assert 0.6 < estimated / waited < 1.7
    slack = (
        8192 / n_calls / tokens_per_s / 2
    )  # half of the largest batch, because the next one is unknown
    near = [1 / 2 <= (one + slack) / (other + slack) <= 2 for one, other in found]
    assert sum(near) >= 0.9 * len(near), found
