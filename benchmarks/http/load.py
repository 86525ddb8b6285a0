"""Loads on a server, from a process of its own; failed requests are an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

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


def requests_of(
    task: Task, texts: Iterable[str | Sequence[str]], options: Mapping[str, Any] | None = None
) -> Requests:
    """Encode texts, one or several per request."""
    return tuple(Request(task, orjson.dumps({"text": text, **(options or {})})) for text in texts)


@dataclass(frozen=True)
class Observation:
    """Results of one load.

    Args:
        n_answered: Requests, those of the warm-up included; all of them were answered with 200.
        per_s: Answers per second after the warm-up.
        p50_ms: Median latency after the warm-up, from when a request was due.
        p99_ms: 99th percentile of the same.
    """

    n_answered: int
    per_s: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, rows: Sequence[Row], begin_s: float, end_s: float) -> Observation:
        """Summarize the requests that were due in a span of time."""
        counted = metrics_of(due_between(rows, begin_s, end_s), end_s - begin_s)
        return cls(len(rows), counted.accepted_per_s, counted.p50_ms, counted.p99_ms)


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
        rows = self._send(server, Stream(clients=n_clients), requests, end_s)
        return Observation.of(rows, warm_up_s, end_s)

    def arrive(
        self, server: Server, requests: Requests, per_s: float, seconds: float
    ) -> Observation:
        """Send requests at random times with a mean rate; the first tenth of the time is not counted."""
        rows = self._send(server, Stream(rate=per_s), requests, seconds)
        return Observation.of(rows, seconds / 10, seconds)

    def _send(
        self, server: Server, stream: Stream, requests: Requests, seconds: float
    ) -> list[Row]:
        profile = Profile("", (Phase("all", seconds),), (stream,))
        with started_on(self.cpus):
            rows = run_child(partial(send, server.base_url, profile, requests, self.seed))
        n_failed = sum(row.outcome is not Outcome.ACCEPTED for row in rows)
        if n_failed or not rows:
            raise DataError(f"{n_failed} of {len(rows)} requests failed")
        return rows


def send(base_url: str, profile: Profile, requests: Requests, seed: int) -> list[Row]:
    """In a child: send the traffic of a profile of one stream, its requests cyclically."""
    return uvloop.run(send_traffic(Service(base_url), profile, [cycle(requests)], seed)).rows
