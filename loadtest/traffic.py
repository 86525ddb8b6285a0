"""Locust's users: they send what a stream says, when it says, and note what becomes of it.

Importing this patches the standard library for gevent; only a process that sends load does it.
"""

from __future__ import annotations

import gc
import math
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import gevent
from gevent import Timeout
from gevent.pool import Pool
from locust import FastHttpUser, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment
from locust.exception import StopUser

from loadtest.arrivals import arrivals
from loadtest.bodies import Request, requests
from loadtest.outcomes import Outcome, Row, Tally, outcome_of
from loadtest.profiles import Phase, Profile, Stream
from loadtest.target import Target
from loadtest.texts import Sampler

MAX_UNANSWERED = 4096  # of one open stream; each needs a connection
_LEAD_S = 0.5  # for users to start before the first request is due
_TIMEOUT_S = 65.0  # longer than the server takes for anything
_DRAIN_S = _TIMEOUT_S + 5.0


class Caller(FastHttpUser):  # type: ignore[misc, unused-ignore]
    """Asks, and tells what an answer means. Connections are kept."""

    abstract = True
    connection_timeout = 10.0
    network_timeout = _TIMEOUT_S
    max_retries = 0
    concurrency = MAX_UNANSWERED
    headers: Mapping[str, str] = MappingProxyType({})

    def ask(self, request: Request, due: float) -> Answer:
        """Send one request and wait for its answer.

        A server may close an idle connection at the very moment when it is used again. Then the request is sent
        once more, as clients should, for predictions can be repeated; on a new connection, for the others that
        were idle may be closed by now, too.

        Args:
            request: What is asked.
            due: Moment of `time.perf_counter` from which its latency counts.
        """
        found = self._post(request)
        n_sent = 1
        if _is_dropped(found):
            self.client.client.clientpool.close()
            found = self._post(request)
            n_sent = 2
        with found as response:
            exception, status = response.request_meta["exception"], response.status_code
            if exception and status < 400:
                status = 0  # it broke off within the answer
            outcome = outcome_of(request, status)
            response.request_meta["response_time"] = (time.perf_counter() - due) * 1000
            reason = f"status {status}, {request.flaw or 'valid'}" if status else repr(exception)
            if outcome is Outcome.FAILED:
                response.failure(reason)
            else:
                if outcome is Outcome.SHED:
                    response.request_meta["name"] = f"{request.path} shed {status}"
                response.success()
        return Answer(outcome, status, n_sent, reason if outcome is Outcome.FAILED else "")

    def _post(self, request: Request) -> ResponseContextManager:
        """Send; Locust hears nothing of it before the answer is used in a `with`."""
        return self.client.post(
            request.path,
            data=request.body,  # type: ignore[arg-type] # bytes go out as they are
            headers={**self.headers, "Content-Type": request.content_type},
            name=request.name,
            catch_response=True,
        )


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    Args:
        outcome: What the answer means.
        status: Of the answer; 0 where there was none.
        n_sent: How often the request was sent.
        reason: Why it failed; empty if it did not.
    """

    outcome: Outcome
    status: int
    n_sent: int
    reason: str


def _is_dropped(found: ResponseContextManager) -> bool:
    """Say whether a connection ended before any answer; not whether there was none, or one that was slow."""
    exception = found.request_meta["exception"]
    is_other = isinstance(exception, TimeoutError | Timeout | ConnectionRefusedError)
    return bool(exception) and not found.status_code and not is_other


@dataclass
class Drive:
    """A profile on its way.

    Args:
        begin: Moment of `time.perf_counter` when the first phase begins.
        phases: One after the other.
        tally: Gets a row for every request.
        n_unsent: Requests that were due and never sent.
        n_sent_again: Requests whose connection was closed before an answer came.
        reasons: Why requests failed, and how many.
        n_sending: Users that have not ended.
    """

    begin: float
    phases: Sequence[Phase]
    tally: Tally = field(default_factory=Tally)
    n_unsent: int = 0
    n_sent_again: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    n_sending: int = 0

    def notes(self) -> tuple[str, ...]:
        """Say what a reader of the figures should know."""
        again = f"{self.n_sent_again} requests were sent again: their connection had been closed"
        failed = tuple(f"{n} failed: {reason}" for reason, n in self.reasons.most_common(10))
        return ((again,) if self.n_sent_again else ()) + failed

    def rates(self, stream: Stream) -> list[tuple[float, float]]:
        """Give seconds and rate of every phase."""
        return [
            (phase.seconds, stream.rate * phase.factor if stream.is_on(phase) else 0.0)
            for phase in self.phases
        ]

    def windows(self, stream: Stream) -> Iterator[tuple[float, float]]:
        """Give begin and end of every phase in which a stream is on, as moments of `time.perf_counter`."""
        begin = self.begin
        for phase in self.phases:
            if stream.is_on(phase):
                yield begin, begin + phase.seconds
            begin += phase.seconds


class StreamCaller(Caller):
    """One that sends what a stream says; subclasses are made for every run."""

    abstract = True
    drive: ClassVar[Drive]
    stream: ClassVar[Stream]
    supply: ClassVar[Iterator[Request]]
    seed: ClassVar[int]

    def send(self, request: Request, due: float) -> None:
        """Ask, and note what became of it."""
        late_ms = (time.perf_counter() - due) * 1000 if self.stream.rate else math.nan
        answer = self.ask(request, due)
        ms, at_s = (time.perf_counter() - due) * 1000, due - self.drive.begin
        self.drive.tally.note(
            Row(
                *(at_s, ms, late_ms, request.task, request.n_texts),
                *(answer.outcome, answer.status),
            )
        )
        self.drive.n_sent_again += answer.n_sent - 1
        if answer.reason:
            self.drive.reasons[answer.reason] += 1


class OpenCaller(StreamCaller):
    """All callers of an open stream: a request starts when it is due, whatever is unanswered."""

    abstract = True

    @task
    def send_when_due(self) -> None:
        """Send the whole stream, wait for the answers, and end."""
        in_flight = Pool(MAX_UNANSWERED)
        chance = random.Random(self.seed)
        for at_s in arrivals(self.drive.rates(self.stream), self.stream.arrival, chance):
            due = self.drive.begin + at_s
            gevent.sleep(max(0.0, due - time.perf_counter()))
            if in_flight.full():
                self.drive.n_unsent += 1
            else:
                in_flight.spawn(self.send, next(self.supply), due)
        in_flight.join()
        self.drive.n_sending -= 1
        raise StopUser


class ClosedCaller(StreamCaller):
    """One caller of a closed stream: waits for its answer, thinks, asks again."""

    abstract = True

    @task
    def send_after_answers(self) -> None:
        """Send in all phases in which the stream is on, and end."""
        for begin, end in self.drive.windows(self.stream):
            gevent.sleep(max(0.0, begin - time.perf_counter()))
            while time.perf_counter() < end:
                self.send(next(self.supply), time.perf_counter())
                gevent.sleep(self.stream.think_s)
        self.drive.n_sending -= 1
        raise StopUser


def drive(
    target: Target, profile: Profile, samplers: Mapping[str, Sampler], seed: int, begin: float = 0.0
) -> Drive:
    """Send the traffic of a profile, and wait until all is answered.

    Args:
        target: Who gets it.
        profile: What is sent when.
        samplers: Of texts, by task.
        seed: Of texts and arrivals.
        begin: Moment of `time.perf_counter` when the first phase begins; half a second from now if that
            is later.
    """
    _raise_file_limit()
    supplies = [requests(s.mix, samplers, seed + i) for i, s in enumerate(profile.streams)]
    gc.collect()
    gc.freeze()  # the requests that were made must not be looked through again and again
    on_its_way = Drive(max(begin, time.perf_counter() + _LEAD_S), profile.phases)
    classes = [
        _caller(target, on_its_way, stream, supply, seed + i)
        for i, (stream, supply) in enumerate(zip(profile.streams, supplies, strict=True))
    ]
    on_its_way.n_sending = sum(one.fixed_count for one in classes)
    environment = Environment(user_classes=classes, host=target.host)
    runner = environment.create_local_runner()
    runner.start(on_its_way.n_sending, spawn_rate=on_its_way.n_sending)
    end = on_its_way.begin + profile.seconds + _DRAIN_S
    while on_its_way.n_sending and time.perf_counter() < end:
        gevent.sleep(0.05)
    runner.quit()
    gc.unfreeze()
    return on_its_way


def _caller(
    target: Target, on_its_way: Drive, stream: Stream, supply: Iterator[Request], seed: int
) -> Any:
    """Make the class of users of one stream; Locust wants a class for each."""
    kind = OpenCaller if stream.rate else ClosedCaller
    attributes = {
        "abstract": False,
        "fixed_count": stream.clients or 1,
        "headers": target.headers,
        "drive": on_its_way,
        "stream": stream,
        "supply": supply,
        "seed": seed,
    }
    return type(f"{kind.__name__}{seed}", (kind,), attributes)


def _raise_file_limit() -> None:
    """Let this process have as many connections as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
