"""Rows of requests summed up: by route, and over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from loadtest.outcomes import TASKS, Outcome, Row

ALL = "all"  # all routes together
_MAX_POINTS = 120


@dataclass(frozen=True)
class Figures:
    """What one route did in a span of time.

    Latency is that of accepted requests, in milliseconds, from when they were due to when they were answered;
    not a number where there is none.

    Args:
        n: Requests.
        n_accepted: Answered with a result.
        n_shed: Turned away with 429 or 503.
        n_refused: Invalid, and answered so.
        n_failed: Anything else.
        offered_per_s: Requests that were due a second.
        accepted_per_s: Requests that were accepted a second.
        texts_per_s: Texts in those.
        p50_ms: Median latency.
        p95_ms: Latency that 95 % are not above.
        p99_ms: Latency that 99 % are not above.
        max_ms: The longest.
        statuses: Answers by status; 0 is no answer.
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
        """Share of the requests that failed."""
        return self.n_failed / self.n if self.n else 0.0

    @property
    def shed_ratio(self) -> float:
        """Share of the requests that were turned away."""
        return self.n_shed / self.n if self.n else 0.0


def percentile(ordered: Sequence[float], share: float) -> float:
    """Give the smallest value that `share` of all are not above; not a number if there is none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def figures_of(rows: Sequence[Row], seconds: float) -> Figures:
    """Sum up the requests that were due in `seconds`."""
    count = Counter(row.outcome for row in rows)
    accepted = [row for row in rows if row.outcome is Outcome.ACCEPTED]
    times = sorted(row.ms for row in accepted)
    statuses = Counter(str(row.status) for row in rows)
    return Figures(
        n=len(rows),
        n_accepted=count[Outcome.ACCEPTED],
        n_shed=count[Outcome.SHED],
        n_refused=count[Outcome.REFUSED],
        n_failed=count[Outcome.FAILED],
        offered_per_s=len(rows) / seconds,
        accepted_per_s=len(accepted) / seconds,
        texts_per_s=sum(row.n_texts for row in accepted) / seconds,
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        p99_ms=percentile(times, 0.99),
        max_ms=percentile(times, 1.0),
        statuses=dict(sorted(statuses.items())),
    )


def by_route(rows: Sequence[Row], seconds: float) -> dict[str, Figures]:
    """Sum up each route that was asked, and all together."""
    found = {ALL: figures_of(rows, seconds)}
    for task in TASKS:
        if mine := [row for row in rows if row.task == task]:
            found[task] = figures_of(mine, seconds)
    return found


@dataclass(frozen=True)
class Moment:
    """One point of a curve over time.

    Args:
        at_s: Begin of the span that it stands for.
        route: A task, or `all`.
        figures: Of that span.
    """

    at_s: float
    route: str
    figures: Figures


def over_time(rows: Iterable[Row], seconds: float) -> list[Moment]:
    """Cut a run into spans of at least a second, at most 120 of them."""
    width = max(1.0, math.ceil(seconds / _MAX_POINTS))
    spans = _grouped(rows, lambda row: int(row.at_s // width))
    return [
        Moment(index * width, route, figures)
        for index, found in sorted(spans.items())
        if 0 <= index * width < seconds
        for route, figures in by_route(found, min(width, seconds - index * width)).items()
    ]


def _grouped(rows: Iterable[Row], key: Callable[[Row], int]) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
