"""Compare two runs: changes of saturation, rates and latency, and whether they may be compared at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.config import LoadTestError
from loadtest.record import BUSY
from loadtest.report import number, render

_SHOWN = ("accepted_per_s", "p50_ms", "p95_ms", "p99_ms", "shed_ratio", "error_ratio")
HEAD = ("where", "metric", "A", "B", "change")


@dataclass(frozen=True)
class Change:
    """One metric of both runs; None where a run has none.

    Args:
        where: Phase and route.
        what: Which metric.
        before: Of the first run.
        after: Of the second run.
    """

    where: str
    what: str
    before: float | None
    after: float | None

    @property
    def share(self) -> float | None:
        """Return the relative change; None where there is no base."""
        if self.after is None or not self.before:
            return None
        return self.after / self.before - 1

    def row(self) -> tuple[str, str, str, str, str]:
        """Format the cells of a table row."""
        a, b = ("–" if one is None else number(one) for one in (self.before, self.after))
        return (self.where, self.what, a, b, "–" if self.share is None else f"{self.share:+.1%}")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare two records as loaded from JSON.

    Raises:
        LoadTestError: They are of different profiles.
    """
    if before["name"] != after["name"]:
        raise LoadTestError(
            f"A is {before['name']} and B is {after['name']}; compare runs of one profile"
        )
    a, b = (one["saturation_per_s"] for one in (before, after))
    found = [] if a is b is None else [Change("ramp", "saturation_per_s", a, b)]
    routes, other = _routes(before), _routes(after)
    for where in (one for one in routes if one in other):
        for what in _SHOWN:
            values = (_metric(one[where], what) for one in (routes, other))
            found.append(Change(where, what, *values))
    return found


def _routes(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the metrics of a record by phase or step, and route; of a repeated step the last."""
    spans = [(one["phase"]["name"], one["routes"]) for one in record["phases"]]
    spans += [(f"{one['rate']:.0f}/s", one["routes"]) for one in record["steps"]]
    return {f"{name}, {route}": of for name, routes in spans for route, of in routes.items()}


def _metric(metrics: Mapping[str, Any], what: str) -> float | None:
    if what in metrics:
        return None if metrics[what] is None else float(metrics[what])
    counted = metrics["n_shed" if what == "shed_ratio" else "n_failed"]
    return counted / metrics["n"] if metrics["n"] else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Describe what else differs between two runs, since a change may then not be the server's."""
    for what in ("host", "seed", "profile", "machine"):
        a, b = before[what], after[what]
        if a != b:
            is_table = isinstance(a, Mapping)
            keys = sorted(k for k in {*a, *b} if a.get(k) != b.get(k)) if is_table else []
            yield f"{what} differs{': ' + ', '.join(keys) if keys else ''}"
    a, b = ({m["task"]: m["sha256"] for m in one["models"]} for one in (before, after))
    yield from (f"model of {t} differs" for t in sorted({*a, *b}) if a.get(t) != b.get(t))
    if before["fitness"]["cpus"] != after["fitness"]["cpus"]:
        yield "CPUs of the generator differ"
    for name, one in (("A", before), ("B", after)):
        if one["verdict"] == BUSY:
            yield f"{name} does not count: {BUSY}"


def comparison_text(found: Sequence[Change], notes: Sequence[str]) -> str:
    """Format the comparison for a terminal."""
    rows = [HEAD, *(change.row() for change in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in rows)
    table = ["  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines]
    return "\n".join([*table, *(f"note: {one}" for one in notes)])


def comparison_page(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    found: Sequence[Change],
    notes: Sequence[str],
) -> str:
    """Render the comparison as a page."""
    runs = [(n, one["started"], one["verdict"]) for n, one in (("A", before), ("B", after))]
    rows = [change.row() for change in found]
    return render(
        "comparison.html", name=before["name"], runs=runs, notes=notes, head=HEAD, rows=rows
    )
