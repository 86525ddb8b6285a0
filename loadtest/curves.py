"""Which curves a run is shown with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from loadtest.charts import Chart, Line
from loadtest.figures import ALL, Figures, Moment
from loadtest.outcomes import TASKS
from loadtest.readings import Reading
from loadtest.record import Record, Step

_TIME = "seconds"
_MIB = 2**20
Points = tuple[tuple[float, float], ...]


def charts_of(record: Record) -> list[Chart]:
    """Give the charts of a run; those without a point are left out."""
    found = [*_ramp(record.steps), *_over_time(record.moments), *_of_server(record.readings)]
    return [chart for chart in found if any(line.points for line in chart.lines)]


def _over_time(moments: Sequence[Moment]) -> Iterator[Chart]:
    def line(name: str, route: str, value: Callable[[Figures], float]) -> Line:
        seen = ((m.at_s, value(m.figures)) for m in moments if m.route == route)
        return Line(name, tuple(seen))

    yield Chart(
        "Requests a second",
        _TIME,
        (
            line("offered", ALL, lambda f: f.offered_per_s),
            line("accepted", ALL, lambda f: f.accepted_per_s),
            line("shed", ALL, lambda f: _rate(f, f.n_shed)),
            line("failed", ALL, lambda f: _rate(f, f.n_failed)),
        ),
    )
    asked = [task for task in TASKS if any(moment.route == task for moment in moments)]
    for name, value in (("p50", _p50), ("p95", _p95), ("p99", _p99)):
        lines = tuple(line(task, task, value) for task in asked)
        yield Chart(f"{name} of accepted requests, ms", _TIME, lines, is_log=True)


def _rate(figures: Figures, n: int) -> float:
    return figures.offered_per_s * n / figures.n


def _p50(figures: Figures) -> float:
    return figures.p50_ms


def _p95(figures: Figures) -> float:
    return figures.p95_ms


def _p99(figures: Figures) -> float:
    return figures.p99_ms


def _ramp(steps: Sequence[Step]) -> Iterator[Chart]:
    last_tries = {step.rate: step for step in steps}
    ordered = [last_tries[rate] for rate in sorted(last_tries)]

    def line(name: str, route: str, value: Callable[[Figures], float]) -> Line:
        seen = ((s.rate, value(s.routes[route])) for s in ordered if route in s.routes)
        return Line(name, tuple(seen))

    percentiles = (("p50", _p50), ("p95", _p95), ("p99", _p99))
    offered = "requests a second, offered"
    for route in (ALL, *TASKS):
        if sum(route in step.routes for step in ordered) and (route != ALL or not is_single(steps)):
            yield Chart(
                f"Latency of accepted requests over the rate, ms: {route}",
                offered,
                tuple(line(name, route, value) for name, value in percentiles),
                is_log=True,
                has_dots=True,
            )
    yield Chart(
        "Accepted over offered requests a second",
        offered,
        (
            line("offered", ALL, lambda f: f.offered_per_s),
            line("accepted", ALL, lambda f: f.accepted_per_s),
        ),
        has_dots=True,
    )


def is_single(steps: Sequence[Step]) -> bool:
    """Say whether only one task was asked, so that `all` would be shown twice."""
    return all(len(step.routes) <= 2 for step in steps)


def _of_server(readings: Sequence[Reading]) -> Iterator[Chart]:
    shown: tuple[tuple[str, Callable[[Reading], Mapping[str, float]], float], ...] = (
        ("Texts that wait, by task", lambda r: r.queue_texts, 1),
        ("Mean texts in a batch, by task", lambda r: r.batch_texts, 1),
        ("CPUs in use, by process", lambda r: r.cpu_share, 1),
        ("Resident memory by process, MiB", lambda r: r.memory_bytes, _MIB),
    )
    for title, values, unit in shown:
        names = sorted({name for reading in readings for name in values(reading)})
        lines = tuple(Line(name, _points(readings, values, name, unit)) for name in names)
        yield Chart(title, _TIME, lines)


def _points(
    readings: Sequence[Reading],
    values: Callable[[Reading], Mapping[str, float]],
    name: str,
    unit: float,
) -> Points:
    found = ((r.at_s, values(r)[name] / unit) for r in readings if name in values(r))
    return tuple(found)
