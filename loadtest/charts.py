"""Charts of a run, drawn by matplotlib."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from loadtest.metrics import ALL, TASKS, Metrics, Moment
from loadtest.readings import Reading
from loadtest.record import Record, Step

_COLOURS = ("#1f8f8a", "#d98324", "#7a6fd0", "#c9483f", "#4f8a3c", "#7f8b9b")
_INK = "#77828f"  # legible on a light page and on a dark one
_LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 8, "labelcolor": _INK, "borderpad": 0}
_MIB = 2**20
_PERCENTILES = ("p50", "p95", "p99")
_RATES: Mapping[str, Callable[[Metrics], float]] = {
    "offered": lambda m: m.offered_per_s,
    "accepted": lambda m: m.accepted_per_s,
    "shed": lambda m: m.offered_per_s * m.shed_ratio,
    "failed": lambda m: m.offered_per_s * m.error_ratio,
}

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Curves over one axis.

    Args:
        title: What is shown, with its unit.
        x_name: Label of the horizontal axis.
        lines: Points by name, in the order of x.
        is_log: Whether the vertical axis is logarithmic.
        has_dots: Whether points are marked.
    """

    title: str
    x_name: str
    lines: Mapping[str, Points]
    is_log: bool = False
    has_dots: bool = False

    def png(self) -> bytes:
        """Draw it, on a transparent ground."""
        figure = Figure(figsize=(7, 3), dpi=130, layout="constrained")
        axes = figure.subplots()
        marker = "o" if self.has_dots else ""
        for colour, (name, points) in zip(_COLOURS * 9, self.lines.items(), strict=False):
            xs, ys = zip(*points, strict=True) if points else ((), ())
            axes.plot(xs, ys, label=name, color=colour, marker=marker, markersize=4, lw=1.6)
        if self.is_log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(self.title, fontsize=10, loc="left", color=_INK, fontweight="bold")
        axes.set_xlabel(self.x_name, color=_INK, fontsize=9)
        axes.tick_params(which="both", colors=_INK, labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(_INK)
        axes.grid(alpha=0.25, color=_INK)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, **_LEGEND)
        drawn = BytesIO()
        figure.savefig(drawn, transparent=True, metadata={"Software": None})
        return drawn.getvalue()


def charts_of(record: Record) -> list[Chart]:
    """Return the charts of a run; those without a point are left out."""
    found = [*_of_steps(record.steps), *_over_time(record.moments), *_of_server(record.readings)]
    return [chart for chart in found if any(map(any, map(_finite, chart.lines.values())))]


def _finite(points: Points) -> list[bool]:
    return [math.isfinite(y) for _, y in points]


def _over_time(moments: Sequence[Moment]) -> Iterator[Chart]:
    def line(route: str, value: Callable[[Metrics], float]) -> Points:
        return [(m.at_s, value(m.metrics)) for m in moments if m.route == route]

    lines = {name: line(ALL, value) for name, value in _RATES.items()}
    yield Chart("Requests per second", "seconds", lines)
    tasks = [task for task in TASKS if any(moment.route == task for moment in moments)]
    for name in _PERCENTILES:
        by_task = {task: line(task, _percentile(name)) for task in tasks}
        yield Chart(f"{name} of accepted requests, ms", "seconds", by_task, is_log=True)


def _percentile(name: str) -> Callable[[Metrics], float]:
    return lambda metrics: float(getattr(metrics, f"{name}_ms"))


def _of_steps(steps: Sequence[Step]) -> Iterator[Chart]:
    last_tries = {step.rate: step for step in steps}
    ordered = [last_tries[rate] for rate in sorted(last_tries)]

    def line(route: str, value: Callable[[Metrics], float]) -> Points:
        return [(s.rate, value(s.routes[route])) for s in ordered if route in s.routes]

    x_name = "offered requests per second"
    for route in routes_of(steps):
        title = f"Latency of accepted requests over the rate, ms: {route}"
        lines = {name: line(route, _percentile(name)) for name in _PERCENTILES}
        yield Chart(title, x_name, lines, is_log=True, has_dots=True)
    rates = {name: line(ALL, value) for name, value in _RATES.items()}
    yield Chart("Requests per second over the rate", x_name, rates, has_dots=True)


def routes_of(steps: Sequence[Step]) -> list[str]:
    """Return the routes of a search; `all` only where there are several."""
    tasks = [task for task in TASKS if any(task in step.routes for step in steps)]
    return [ALL, *tasks] if len(tasks) > 1 else tasks


def _of_server(readings: Sequence[Reading]) -> Iterator[Chart]:
    shown: tuple[tuple[str, Callable[[Reading], Mapping[str, float]], float], ...] = (
        ("Queued texts by task", lambda r: r.queue_texts, 1),
        ("Mean texts in a batch by task", lambda r: r.batch_texts, 1),
        ("CPUs in use by process", lambda r: r.cpu_share, 1),
        ("Resident memory by process, MiB", lambda r: r.memory_bytes, _MIB),
    )
    for title, values, unit in shown:
        names = sorted({name for reading in readings for name in values(reading)})
        lines = {
            name: [(r.at_s, values(r)[name] / unit) for r in readings if name in values(r)]
            for name in names
        }
        yield Chart(title, "seconds", lines)
