"""Outcomes of requests, aggregated by route and over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby

from loadtest.bodies import ROUTES, Request

SHED = frozenset({429, 503})
HUNG_UP = 499  # the status of a request whose client closed the connection
TASKS = tuple(ROUTES)
ALL = "all"
"""The name of all routes together."""

_MAX_POINTS = 120


class Outcome(IntEnum):
    """How a request ended."""

    ACCEPTED = 0  # with a result
    SHED = 1  # with 429 or 503: the server is full
    REFUSED = 2  # invalid, and refused as such
    FAILED = 3  # anything else, no response included
    HUNG_UP = 4  # by its client, before the response


def outcome_of(request: Request, status: int) -> Outcome:
    """Classify a response; a status of 0 is none."""
    if status == HUNG_UP:
        return Outcome.HUNG_UP
    if status in SHED:
        return Outcome.SHED
    if request.flaw:
        return Outcome.REFUSED if 400 <= status < 500 else Outcome.FAILED
    return Outcome.ACCEPTED if status == 200 else Outcome.FAILED


@dataclass(slots=True)
class Row:
    """One request.

    Args:
        at_s: When it was due, from the start of the run.
        ms: From when it was due to its response.
        late_ms: From when it was due to its sending, the generator's own delay; NaN in a closed stream.
        task: Which route it was sent to: that of a task, or what an app calls.
        n_texts: Texts in it.
        outcome: How it ended.
        status: Of the response; 0 if there was none.
    """

    at_s: float
    ms: float
    late_ms: float
    task: str
    n_texts: int
    outcome: Outcome
    status: int


def due_between(rows: Iterable[Row], begin_s: float, end_s: float) -> list[Row]:
    """Return the requests that were due in a span of time, its end excluded."""
    return [row for row in rows if begin_s <= row.at_s < end_s]


@dataclass(frozen=True)
class Metrics:
    """Aggregates of one route in a span of time.

    Latency is that of accepted requests in milliseconds, from when they were due; NaN where there is none.

    Args:
        n: Requests.
        n_accepted: Answered with a result.
        n_shed: Rejected with 429 or 503.
        n_refused: Invalid, and refused as such.
        n_failed: Failed.
        offered_per_s: Requests due per second.
        accepted_per_s: Requests accepted per second.
        texts_per_s: Texts in those.
        p50_ms: Median latency.
        p95_ms: 95th percentile of latency.
        p99_ms: 99th percentile of latency.
        max_ms: Largest latency.
        statuses: Requests by status; 0 is no response, 499 a client that hung up.
    """

    n: int
    n_accepted: int
    n_shed: int
    n_refused: int
    n_failed: int
    offered_per_s: float
    accepted_per_s: float
    texts_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    statuses: dict[str, int]

    @property
    def error_ratio(self) -> float:
        """Return the share of requests that failed."""
        return self.n_failed / self.n if self.n else 0.0

    @property
    def shed_ratio(self) -> float:
        """Return the share of requests that were shed."""
        return self.n_shed / self.n if self.n else 0.0


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all ascending values do not exceed; NaN if there is none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def metrics_of(rows: Sequence[Row], seconds: float) -> Metrics:
    """Aggregate the requests that were due in `seconds`."""
    count = Counter(row.outcome for row in rows)
    accepted = [row for row in rows if row.outcome is Outcome.ACCEPTED]
    times = sorted(row.ms for row in accepted)
    statuses = Counter(str(row.status) for row in rows)
    p50_ms, p95_ms, p99_ms, max_ms = (percentile(times, x) for x in (0.5, 0.95, 0.99, 1.0))
    return Metrics(
        n=len(rows),
        n_accepted=count[Outcome.ACCEPTED],
        n_shed=count[Outcome.SHED],
        n_refused=count[Outcome.REFUSED],
        n_failed=count[Outcome.FAILED],
        offered_per_s=len(rows) / seconds,
        accepted_per_s=len(accepted) / seconds,
        texts_per_s=sum(row.n_texts for row in accepted) / seconds,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        max_ms=max_ms,
        statuses=dict(sorted(statuses.items())),
    )


def by_route(rows: Sequence[Row], seconds: float) -> dict[str, Metrics]:
    """Aggregate each route that was used, and all together."""
    found = {ALL: metrics_of(rows, seconds)}
    for task in TASKS:
        if of_task := [row for row in rows if row.task == task]:
            found[task] = metrics_of(of_task, seconds)
    return found


@dataclass(frozen=True)
class Moment:
    """One point of a curve over time.

    Args:
        at_s: Start of the span that it stands for.
        route: A task, an app, or `all`.
        metrics: Of that span.
    """

    at_s: float
    route: str
    metrics: Metrics


def over_time(rows: Iterable[Row], seconds: float) -> list[Moment]:
    """Cut a run into spans of at least a second, at most 120 of them."""
    width = max(1.0, math.ceil(seconds / _MAX_POINTS))
    within = sorted((row for row in rows if 0 <= row.at_s < seconds), key=lambda row: row.at_s)
    return [
        Moment(index * width, route, metrics)
        for index, span in groupby(within, lambda row: int(row.at_s // width))
        for route, metrics in by_route(list(span), min(width, seconds - index * width)).items()
    ]
