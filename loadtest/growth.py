"""Does anything grow in a long run? Memory of the processes, and latency of the routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from loadtest.figures import Figures, by_route
from loadtest.objectives import Limits, Verdict, judged
from loadtest.outcomes import Row
from loadtest.readings import Reading

# The tenths of the time that are compared: when everything has been used, and at the end.
WARM, END = (0.3, 0.4), (0.9, 1.0)
_NEEDED = (
    200  # accepted requests in each; p95 of fewer is too much a matter of chance to be compared
)


def growth_verdicts(
    rows: Sequence[Row], readings: Sequence[Reading], seconds: float, limits: Limits
) -> Iterator[Verdict]:
    """Compare the fourth tenth of a run with the last.

    Args:
        rows: All requests.
        readings: All pages of metrics.
        seconds: How long the run was.
        limits: What growth is allowed; what is not set is not judged.
    """
    if limits.memory_growth is not None:
        yield from _memory(readings, seconds, limits.memory_growth)
    if limits.p95_growth is not None:
        warm, end = (
            by_route([row for row in rows if _is_in(row.at_s, seconds, span)], seconds / 10)
            for span in (WARM, END)
        )
        for route in warm:
            if route in end:
                yield _latency(route, warm[route], end[route], limits.p95_growth)


def _latency(route: str, warm: Figures, end: Figures, limit: float) -> Verdict:
    growth = end.p95_ms / warm.p95_ms - 1
    if min(warm.n_accepted, end.n_accepted) < _NEEDED:
        return Verdict(route, "p95_growth", limit, growth, None)
    return judged(route, "p95_growth", limit, growth)


def _memory(readings: Sequence[Reading], seconds: float, limit: float) -> Iterator[Verdict]:
    names = sorted({name for reading in readings for name in reading.memory_bytes})
    if not names:
        yield Verdict("server", "memory_growth", limit, float("nan"), False)
    for name in names:
        warm, end = (
            [
                reading.memory_bytes[name]
                for reading in readings
                if name in reading.memory_bytes and _is_in(reading.at_s, seconds, span)
            ]
            for span in (WARM, END)
        )
        growth = median(end) / median(warm) - 1 if warm and end else float("nan")
        yield judged(name, "memory_growth", limit, growth)


def _is_in(at_s: float, seconds: float, span: tuple[float, float]) -> bool:
    return span[0] * seconds <= at_s < span[1] * seconds
