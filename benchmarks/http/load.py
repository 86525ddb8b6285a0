"""Loads on a server, from a process of its own; failed requests are an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, pairwise

import orjson
import uvloop

from benchmarks.tools.child import run_child
from benchmarks.tools.cores import Cpus, started_on
from benchmarks.tools.served import Server
from loadtest.bodies import Request
from loadtest.metrics import Outcome, Row, due_between, metrics_of
from loadtest.profiles import Phase, Profile, Stream
from loadtest.service import Service
from loadtest.traffic import send_traffic
from seqserve.errors import DataError
from seqserve.tasks import Task

Requests = tuple[Request, ...]
"""Sent cyclically."""

_ALONE_S = 2.0  # how long the single client warms up, and how long it is then observed


def requests_of(task: Task, texts: Iterable[str | Sequence[str]]) -> Requests:
    """Encode texts, one or several per request."""
    return tuple(Request(task, orjson.dumps({"text": text})) for text in texts)


@dataclass(frozen=True)
class Observation:
    """Results of one load.

    Args:
        n_answered: Requests answered with 200, those of the warm-up included.
        n_failed: Requests answered otherwise, or not at all.
        per_s: Answers per second after the warm-up.
        p50_ms: Median latency after the warm-up, from when a request was due.
        p99_ms: 99th percentile of the same.
    """

    n_answered: int
    n_failed: int
    per_s: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, rows: Sequence[Row], begin_s: float, end_s: float) -> Observation:
        """Summarize the requests that were due in a span of time."""
        counted = metrics_of(due_between(rows, begin_s, end_s), end_s - begin_s)
        n_answered = sum(row.outcome is Outcome.ACCEPTED for row in rows)
        times = (counted.accepted_per_s, counted.p50_ms, counted.p99_ms)
        return cls(n_answered, len(rows) - n_answered, *times)


@dataclass(frozen=True)
class Clients:
    """The load generator.

    Args:
        cpus: Where it runs.
        seed: Of the times of arrivals.
    """

    cpus: Cpus
    seed: int = 0

    def saturate(
        self, server: Server, requests: Requests, n_clients: int, seconds: float, warm_up_s: float
    ) -> Observation:
        """Let clients send without a pause."""
        end_s = warm_up_s + seconds
        loads = [(Stream(clients=n_clients), requests)]
        return Observation.of(self._send(server, [Phase("all", end_s)], loads), warm_up_s, end_s)

    def arrive(
        self,
        server: Server,
        requests: Requests,
        per_s: float,
        seconds: float,
        busy: tuple[Requests, int] | None = None,
    ) -> list[Observation]:
        """Send requests at random times, maybe beside clients that send without a pause.

        Args:
            server: What is loaded.
            requests: What arrives.
            per_s: Mean rate.
            seconds: Duration; the first tenth is not counted.
            busy: Requests of the clients beside them, of another task, and the number of clients.

        Returns:
            Observations of the arrivals, and of the clients beside them if there are any.
        """
        loads = [(Stream(rate=per_s), requests)]
        loads += [(Stream(clients=busy[1]), busy[0])] if busy else []
        rows = self._send(server, [Phase("all", seconds)], loads)
        by_load = ([row for row in rows if row.task == of[0].task] for _, of in loads)
        return [Observation.of(found, seconds / 10, seconds) for found in by_load]

    def burst(
        self,
        server: Server,
        requests: Requests,
        n_clients: int,
        seconds: float,
        ends_s: Sequence[float],
    ) -> list[Observation]:
        """Let many clients come and go, and observe a single one before and after.

        Returns:
            What the single one observed before, and in each of the spans after the burst.
        """
        before_s = 2 * _ALONE_S
        durations = {"before": before_s, "burst": seconds, "after": ends_s[-1]}
        loads = [
            (Stream(clients=1, phases=("before", "after")), requests),
            (Stream(clients=n_clients, phases=("burst",)), requests),
        ]
        rows = self._send(server, [Phase(*one) for one in durations.items()], loads)
        bounds = [before_s + seconds + end_s for end_s in (0.0, *ends_s)]
        spans = [(_ALONE_S, before_s), *pairwise(bounds)]
        return [Observation.of(rows, *span) for span in spans]

    def _send(
        self, server: Server, phases: Sequence[Phase], loads: Sequence[tuple[Stream, Requests]]
    ) -> list[Row]:
        profile = Profile("", tuple(phases), tuple(stream for stream, _ in loads))
        supplies = [requests for _, requests in loads]
        with started_on(self.cpus):
            rows = run_child(partial(send, server.base_url, profile, supplies, self.seed))
        n_failed = sum(row.outcome is not Outcome.ACCEPTED for row in rows)
        if n_failed or not rows:
            raise DataError(f"{n_failed} of {len(rows)} requests failed")
        return rows


def send(base_url: str, profile: Profile, supplies: Sequence[Requests], seed: int) -> list[Row]:
    """In a child: send the traffic of a profile."""
    traffic = send_traffic(Service(base_url), profile, list(map(cycle, supplies)), seed)
    return uvloop.run(traffic).rows
