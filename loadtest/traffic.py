"""Send the streams of a profile: open ones when requests are due, closed ones after each answer."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.bodies import Request
from loadtest.connection import Answer, Pool
from loadtest.metrics import HUNG_UP, Outcome, Row, outcome_of
from loadtest.profiles import Phase, Profile, Stream
from loadtest.service import Service

MAX_UNANSWERED = 4096  # of one open stream; each needs a connection
_LEAD_S = 0.5  # before the first request is due
_TIMEOUT_S = 65.0  # longer than the server takes for anything
_PATIENCE_S = 0.05  # of a client that hangs up


def arrivals(stages: Sequence[tuple[float, float]], chance: random.Random) -> Iterator[float]:
    """Yield the times of a Poisson process, in seconds from the start of the first stage.

    Args:
        stages: Seconds and requests per second, in order; a rate may be 0.
        chance: Source of randomness.

    Source: an inhomogeneous Poisson process is one of rate 1 whose clock runs at the rate (Cinlar 1975,
        Introduction to Stochastic Processes, section 4.7).
    """
    # due: expected number of arrivals from here to the next one
    begin, due = 0.0, chance.expovariate(1.0)
    for seconds, rate in stages:
        expected = seconds * rate
        while due < expected:
            yield begin + due / rate
            due += chance.expovariate(1.0)
        due -= expected
        begin += seconds


async def wait_until(moment: float) -> None:
    """Return when `time.perf_counter` has reached the moment; timers may fire a millisecond early."""
    while (left := moment - time.perf_counter()) > 0:
        await asyncio.sleep(left)


async def send_open(
    send: Callable[[float], Coroutine[Any, Any, None]], due: Iterable[float]
) -> int:
    """Send requests when they are due, whatever is unanswered; return how many could not be sent."""
    in_flight: set[asyncio.Task[None]] = set()
    n_unsent = 0
    for moment in due:
        await wait_until(moment)
        if len(in_flight) >= MAX_UNANSWERED:
            n_unsent += 1
            continue
        one = asyncio.create_task(send(moment))
        in_flight.add(one)
        one.add_done_callback(in_flight.discard)
    if in_flight:
        await asyncio.gather(*in_flight)
    return n_unsent


@dataclass
class Traffic:
    """The traffic of a profile as it was sent.

    Args:
        begin: Moment of `time.perf_counter` when the first phase began.
        rows: One per request.
        n_unsent: Requests that were due and never sent.
        n_sent_again: Requests whose connection was closed before an answer came.
        reasons: Why requests failed, and how many.
        is_stopped: Set to end closed streams early.
    """

    begin: float = 0.0
    rows: list[Row] = field(default_factory=list)
    n_unsent: int = 0
    n_sent_again: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    is_stopped: bool = False

    def notes(self) -> tuple[str, ...]:
        """Describe what a reader of the results should know."""
        again = f"{self.n_sent_again} requests were sent again: their connection had been closed"
        failed = tuple(f"{n} failed: {reason}" for reason, n in self.reasons.most_common(10))
        return ((again,) if self.n_sent_again else ()) + failed

    def lateness(self) -> list[float]:
        """Return the delays of the requests of open streams in ms."""
        return [row.late_ms for row in self.rows if not math.isnan(row.late_ms)]


async def send_traffic(
    service: Service,
    profile: Profile,
    supplies: Sequence[Iterator[Request]],
    seed: int = 0,
    traffic: Traffic | None = None,
) -> Traffic:
    """Send the traffic of a profile, and wait until all is answered.

    Args:
        service: What is tested.
        profile: What is sent, and when.
        supplies: Requests of each stream.
        seed: Of arrivals.
        traffic: Receives the results; its `begin` is at least half a second from now.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection needs a file
    gc.collect()
    gc.freeze()  # keeps the prepared requests out of garbage collections
    traffic = traffic or Traffic()
    traffic.begin = max(traffic.begin, time.perf_counter() + _LEAD_S)
    senders = [
        _Sender(service, stream, supply, traffic, random.Random(seed + i))
        for i, (stream, supply) in enumerate(zip(profile.streams, supplies, strict=True))
    ]
    await asyncio.gather(*(sender.run(profile.phases) for sender in senders))
    gc.unfreeze()
    return traffic


class _Sender:
    """Sends one stream."""

    def __init__(
        self,
        service: Service,
        stream: Stream,
        supply: Iterator[Request],
        traffic: Traffic,
        chance: random.Random,
    ) -> None:
        self._stream, self._supply, self._traffic = stream, supply, traffic
        self._pool = Pool(service.host, service.headers, stream.keeps_connections)
        self._arrivals, self._hangs_up = chance, random.Random(chance.random())

    async def run(self, phases: Sequence[Phase]) -> None:
        """Send in all phases in which the stream is on."""
        stream, begin = self._stream, self._traffic.begin
        if stream.rate:
            rates = [(p.seconds, stream.rate * p.factor * stream.is_on(p)) for p in phases]
            times = (begin + at for at in arrivals(rates, self._arrivals))
            self._traffic.n_unsent += await send_open(self._send, times)
        else:
            for phase in phases:
                if stream.is_on(phase):
                    await wait_until(begin)
                    end = begin + phase.seconds
                    await asyncio.gather(*(self._client(end) for _ in range(stream.clients)))
                begin += phase.seconds
        self._pool.close()

    async def _client(self, end: float) -> None:
        while (now := time.perf_counter()) < end and not self._traffic.is_stopped:
            await self._send(now)
            if self._stream.think_s:
                await asyncio.sleep(self._stream.think_s)

    async def _send(self, due: float) -> None:
        request, traffic = next(self._supply), self._traffic
        late_ms = (time.perf_counter() - due) * 1000 if self._stream.rate else math.nan
        status, reason = await self._ask(request)
        ms, outcome = (time.perf_counter() - due) * 1000, outcome_of(request, status)
        kind = (request.task, request.n_texts, outcome, status)
        traffic.rows.append(Row(due - traffic.begin, ms, late_ms, *kind))
        if outcome is Outcome.FAILED:
            traffic.reasons[reason or f"status {status}, {request.flaw or 'valid'}"] += 1

    async def _ask(self, request: Request) -> tuple[int, str]:
        """Return the status, and why there is none.

        A server may close an idle connection at the very moment when it is used again. Then the request is
        sent once more, as clients should, since predictions can be repeated. It goes over a new connection,
        because the other idle ones may be closed by now, too.
        """
        raw = self._pool.post(request.path, request.body, request.content_type, request.headers)
        if self._stream.hang_up_share and self._hangs_up.random() < self._stream.hang_up_share:
            answer: Answer = await self._pool.ask(raw, _PATIENCE_S)
            return answer.status or HUNG_UP, ""
        answer = await self._pool.ask(raw, _TIMEOUT_S)
        if answer.is_dropped:
            self._pool.close()
            self._traffic.n_sent_again += 1
            answer = await self._pool.ask(raw, _TIMEOUT_S)
        return answer.status, answer.reason
