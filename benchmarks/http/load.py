"""The load generator: keep-alive clients in one process, and what they saw.

A closed load has clients that ask again as soon as they are answered; an open load has requests that come at
random times, however many are still unanswered. What is asked, this module does not know. Its functions at the
end run in a process of their own, see benchmarks/tools/child.py.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import uvloop

from benchmarks.http.connection import Connection, connect, request_bytes

_DRAIN_S = 60.0
_AT_HAND = 16  # connections that an open load begins with
_ALONE_S = 2.0  # how long the lone client warms up, and how long it is then watched


@dataclass(frozen=True)
class Seen:
    """What the clients of one load saw.

    Args:
        n_answered: Requests answered with 200, those of the warm-up included.
        n_failed: Requests answered otherwise, or not at all.
        per_s: Answers per second after the warm-up.
        p50_ms: Median time of an answer after the warm-up, from its sending.
        p99_ms: 99th percentile of the same.
    """

    n_answered: int
    n_failed: int
    per_s: float
    p50_ms: float
    p99_ms: float


class Tally:
    """Answers as they come."""

    def __init__(self) -> None:
        self.answers: list[tuple[float, float]] = []  # (moment of `time.perf_counter`, ms)
        self.n_failed = 0

    def note(self, status: int, ms: float) -> None:
        """Count one answer."""
        if status == 200:
            self.answers.append((time.perf_counter(), ms))
        else:
            self.n_failed += 1

    def seen(self, start: float, end: float = math.inf) -> Seen:
        """Summarise the answers that came between two moments of `time.perf_counter`."""
        counted = [(moment, ms) for moment, ms in self.answers if start <= moment <= end]
        times = sorted(ms for _, ms in counted)
        span_s = counted[-1][0] - counted[0][0] if len(counted) > 1 else math.inf
        per_s = (len(counted) - 1) / span_s
        p50_ms, p99_ms = percentile(times, 50), percentile(times, 99)
        return Seen(len(self.answers), self.n_failed, per_s, p50_ms, p99_ms)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Give the smallest value that `percent` of all are not above; not a number if there is none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


async def closed_load(
    port: int, requests: Iterator[bytes], n_clients: int, seconds: float, tally: Tally
) -> None:
    """Let clients ask, each again as soon as it is answered; returns when all are answered."""
    end, n_asking = time.perf_counter() + seconds, n_clients
    all_done = asyncio.get_running_loop().create_future()

    def answered(connection: Connection, status: int, ms: float) -> None:
        nonlocal n_asking
        tally.note(status, ms)
        if connection.is_open and time.perf_counter() < end:
            connection.send(next(requests))
            return
        n_asking -= 1
        if not n_asking:
            all_done.set_result(None)

    connections = [await connect(port, answered) for _ in range(n_clients)]
    for connection in connections:
        connection.send(next(requests))
    await all_done
    for connection in connections:
        connection.close()


async def open_load(
    port: int, requests: Iterator[bytes], arrivals_s: Sequence[float], tally: Tally
) -> None:
    """Send requests at given times after the start, on as many connections as that takes.

    Timers tick in milliseconds, so a request goes out up to one late; its time counts from its sending.
    """
    free: list[Connection] = []
    n_waiting, all_answered = 0, asyncio.Event()

    def answered(connection: Connection, status: int, ms: float) -> None:
        nonlocal n_waiting
        tally.note(status, ms)
        free.append(connection)
        n_waiting -= 1
        if not n_waiting:
            all_answered.set()

    async def idle() -> Connection:
        while free:
            if (connection := free.pop()).is_open:
                return connection
        return await connect(port, answered)

    free += [await connect(port, answered) for _ in range(_AT_HAND)]
    start = time.perf_counter()
    for arrival_s in arrivals_s:
        await asyncio.sleep(start + arrival_s - time.perf_counter())
        connection = await idle()
        n_waiting += 1
        all_answered.clear()
        connection.send(next(requests))
    async with asyncio.timeout(_DRAIN_S):
        await all_answered.wait()
    for connection in free:
        connection.close()


def poisson(per_s: float, seconds: float, seed: int) -> list[float]:
    """Give the times of independent arrivals, in seconds from 0; at least one."""
    rng = random.Random(seed)
    times = [rng.expovariate(per_s)]
    while times[-1] < seconds:
        times.append(times[-1] + rng.expovariate(per_s))
    return times


Asked = dict[str, Any]
"""A `path`, and the `bodies` that are asked in turns."""

Busy = tuple[Asked, int] | None


def saturate(
    port: int, asked: Asked, n_clients: int, seconds: float, warm_up_s: float
) -> dict[str, Any]:
    """In a child: give the `Seen` of a closed load, in turns of all bodies."""

    async def run() -> Seen:
        tally, start = Tally(), time.perf_counter()
        await closed_load(port, _bytes(asked), n_clients, warm_up_s + seconds, tally)
        return tally.seen(start + warm_up_s, start + warm_up_s + seconds)

    return asdict(uvloop.run(run()))


def arrive(
    port: int, asked: Asked, arrivals_s: list[float], warm_up_s: float = 0.0, busy: Busy = None
) -> dict[str, Any]:
    """In a child: give the `Seen` of an open load, and that of other clients at the same time.

    Args:
        port: Of the server.
        asked: What arrives.
        arrivals_s: When, in seconds after the start.
        warm_up_s: Answers are counted after that time.
        busy: What the other clients ask, and how many they are; they stop with the last arrival.
    """

    async def run() -> dict[str, Seen]:
        tally, beside, start = Tally(), Tally(), time.perf_counter()
        loads = [open_load(port, _bytes(asked), arrivals_s, tally)]
        if busy:
            loads.append(closed_load(port, _bytes(busy[0]), busy[1], arrivals_s[-1], beside))
        await asyncio.gather(*loads)
        first, last = start + warm_up_s, start + arrivals_s[-1]
        return {"arrived": tally.seen(first), "busy": beside.seen(first, last)}

    return {name: asdict(seen) for name, seen in uvloop.run(run()).items()}


def burst(
    port: int, asked: Asked, n_clients: int, burst_s: float, ends_s: list[float]
) -> dict[str, Any]:
    """In a child: give what one client sees before a burst of many, and in the time after it.

    Args:
        port: Of the server.
        asked: What all of them ask.
        n_clients: Of the burst.
        burst_s: How long it lasts.
        ends_s: Ends of the spans that the time after it is cut into, in seconds after the burst.
    """

    async def run() -> dict[str, Any]:
        before, crowd, after = Tally(), Tally(), Tally()
        start, requests = time.perf_counter(), _bytes(asked)
        await closed_load(port, requests, 1, 2 * _ALONE_S, before)
        await closed_load(port, requests, n_clients, burst_s, crowd)
        over = time.perf_counter()
        await closed_load(port, requests, 1, ends_s[-1], after)
        spans = zip([0.0, *ends_s[:-1]], ends_s, strict=True)
        return {
            "before": asdict(before.seen(start + _ALONE_S)),
            "crowd": asdict(crowd.seen(start)),
            "after": [asdict(after.seen(over + first, over + last)) for first, last in spans],
        }

    return uvloop.run(run())


def _bytes(asked: Asked) -> Iterator[bytes]:
    return cycle([request_bytes(asked["path"], body.encode()) for body in asked["bodies"]])
