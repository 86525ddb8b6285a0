"""A simulated machine under open-loop load, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from seqserve.errors import DeadlineExceeded, Overloaded, SeqserveError
from service.queue.batcher import Batcher, Reply
from service.queue.limits import BatchLimits

Item: TypeAlias = tuple[int, float]
"""Tokens and deadline of a text."""

Sizes: TypeAlias = Callable[[random.Random], list[int]]
"""Tokens of the texts of a request."""


@dataclass
class TimedMachine:
    """Concurrent calls that share one processor, and that give up texts at their deadline.

    Args:
        tokens_per_s: Padded tokens.
        overhead_s: Of every call.
        is_away: Whether calls fail.
    """

    tokens_per_s: float
    overhead_s: float = 0.004
    is_away: bool = False
    n_running: int = 0

    async def __call__(self, items: list[Item]) -> Reply[int]:
        if self.is_away:
            raise ConnectionResetError("the runner died")
        loop = asyncio.get_running_loop()
        self.n_running += 1
        n_padded = len(items) * max(n_tokens for n_tokens, _ in items)
        seconds = self.overhead_s + n_padded / self.tokens_per_s * self.n_running
        last = max(deadline for _, deadline in items)
        await asyncio.sleep(max(0.0, min(seconds, last - loop.time())))
        self.n_running -= 1
        results: list[int | SeqserveError] = [
            n_tokens if deadline > loop.time() else DeadlineExceeded()
            for n_tokens, deadline in items
        ]
        return Reply(results, seconds)


@dataclass
class Outcome:
    """What became of the requests.

    Args:
        waits_s: Of the answered ones.
        n_tokens: Of the answered ones.
        n_refused: At once, with 429.
        slowest_refusal_s: Seconds until it came.
        n_too_large: Refused at once, because they would be late also alone.
        n_late: That missed their deadline after they had been accepted.
        tokens_per_s: Answered, until the last answer.
        recovery_s: From the last request until a short text was answered within half a second.
    """

    waits_s: list[float] = field(default_factory=list)
    n_tokens: int = 0
    n_refused: int = 0
    slowest_refusal_s: float = 0.0
    n_too_large: int = 0
    n_late: int = 0
    tokens_per_s: float = 0.0
    recovery_s: float = 0.0

    @property
    def n_requests(self) -> int:
        return len(self.waits_s) + self.n_refused + self.n_too_large + self.n_late


class Load:
    """Requests on one queue.

    Args:
        machine: Computes the batches.
        limits: Of the queue.
        deadline_s: Of every request.
    """

    def __init__(self, machine: TimedMachine, limits: BatchLimits, deadline_s: float) -> None:
        self.machine = machine
        self.batcher: Batcher[Item, int] = Batcher("ner", machine, lambda items: None, limits)
        self.deadline_s = deadline_s
        self.chance = random.Random(1)

    async def ask(self, sizes: Sequence[int], outcome: Outcome) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        deadline = start + self.deadline_s
        items = [((n_tokens, deadline), n_tokens) for n_tokens in sizes]
        try:
            await self.batcher.submit(items, deadline)
        except Overloaded:
            outcome.n_refused += 1
            outcome.slowest_refusal_s = max(outcome.slowest_refusal_s, loop.time() - start)
        except DeadlineExceeded:
            if loop.time() == start:
                outcome.n_too_large += 1
            else:
                outcome.n_late += 1
        else:
            outcome.waits_s.append(loop.time() - start)
            outcome.n_tokens += sum(sizes)

    async def run(self, sizes: Sizes, times_rate: float, seconds: float) -> Outcome:
        """Send requests at a multiple of the machine's rate; return what became of them."""
        loop = asyncio.get_running_loop()
        mean = sum(sum(sizes(self.chance)) for _ in range(2000)) / 2000
        outcome, tasks, start = Outcome(), set(), loop.time()
        n_sent = 0
        while loop.time() < start + seconds:
            task = loop.create_task(self.ask(sizes(self.chance), outcome))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            n_sent += 1
            await asyncio.sleep(
                self.chance.expovariate(times_rate * self.machine.tokens_per_s / mean)
            )
        outcome.recovery_s = await self._recover()
        await asyncio.gather(*tasks)
        assert outcome.n_requests == n_sent  # every request is accounted for
        outcome.tokens_per_s = outcome.n_tokens / (loop.time() - start)
        return outcome

    async def _recover(self) -> float:
        """Return the seconds until a short text is answered within half a second."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while True:
            probe, sent = Outcome(), loop.time()
            await self.ask([80], probe)
            if probe.waits_s and probe.waits_s[0] < 0.5:
                return sent - start
            await asyncio.sleep(0.1)


async def saturation(machine: TimedMachine, limits: BatchLimits, sizes: Sizes) -> float:
    """Return the tokens per second that 8 callers get who always have a request, without a deadline."""
    load, outcome, chance = Load(machine, limits, 1e9), Outcome(), random.Random(2)
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def ask_often() -> None:
        for _ in range(20):
            await load.ask(sizes(chance), outcome)

    await asyncio.gather(*(ask_often() for _ in range(8)))
    assert len(outcome.waits_s) == 160
    return outcome.n_tokens / (loop.time() - start)
