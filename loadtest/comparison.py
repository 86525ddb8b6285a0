"""Two runs side by side: what changed in saturation and latency, and whether they may be compared at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from loadtest.page import document, html_table, number, verdict_mark
from loadtest.problems import LoadTestError
from loadtest.record import BUSY

_SHOWN = ("accepted_per_s", "p50_ms", "p95_ms", "p99_ms", "shed_ratio", "error_ratio")
HEAD = ("where", "what", "A", "B", "change")


@dataclass(frozen=True)
class Change:
    """One figure of both runs; None where a run has none.

    Args:
        where: Phase and route.
        what: Which figure.
        before: Of the first run.
        after: Of the second run.
    """

    where: str
    what: str
    before: float | None
    after: float | None

    @property
    def share(self) -> float | None:
        """What was added, of what there was; None where there was nothing."""
        if self.after is None or not self.before:
            return None
        return self.after / self.before - 1

    def row(self) -> tuple[str, str, str, str, str]:
        """Give the cells of a table."""
        a, b = ("–" if one is None else number(one) for one in (self.before, self.after))
        return (self.where, self.what, a, b, "–" if self.share is None else f"{self.share:+.1%}")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare two records as read from JSON.

    Raises:
        LoadTestError: They are of different profiles.
    """
    if before["name"] != after["name"]:
        raise LoadTestError(
            f"A is {before['name']} and B is {after['name']}; compare runs of one profile"
        )
    return [*_saturation(before, after), *_phases(before, after), *_steps(before, after)]


def _saturation(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    a, b = (one["saturation_per_s"] for one in (before, after))
    if a is not None or b is not None:
        yield Change("ramp", "saturation_per_s", a, b)


def _phases(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    of_after = {one["phase"]["name"]: one["routes"] for one in after["phases"]}
    for found in before["phases"]:
        name = found["phase"]["name"]
        yield from _routes(name, found["routes"], of_after.get(name, {}))


def _steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Compare the steps that both searches made."""
    of_after = {step["rate"]: step["routes"] for step in after["steps"]}
    of_before = {step["rate"]: step["routes"] for step in before["steps"]}
    for rate in sorted(set(of_before) & set(of_after)):
        yield from _routes(f"{rate:.0f}/s", of_before[rate], of_after[rate])


def _routes(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for route in before:
        if route in after:
            for what in _SHOWN:
                a, b = (_figure(one[route], what) for one in (before, after))
                yield Change(f"{where}, {route}", what, a, b)


def _figure(figures: Mapping[str, Any], what: str) -> float | None:
    if what in figures:
        return None if figures[what] is None else float(figures[what])
    counted = figures["n_shed" if what == "shed_ratio" else "n_failed"]
    return counted / figures["n"] if figures["n"] else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say what else differs between two runs, so that a change may not be the server's."""
    found = []
    for what in ("host", "seed", "profile", "machine"):
        if before[what] != after[what]:
            parts = _parts(before[what], after[what])
            found.append(f"{what} differs{': ' + ', '.join(parts) if parts else ''}")
    a, b = ({m["task"]: m["sha256"] for m in one["models"]} for one in (before, after))
    found += [f"model of {task} differs" for task in sorted({*a, *b}) if a.get(task) != b.get(task)]
    if before["fitness"]["cpus"] != after["fitness"]["cpus"]:
        found.append("processors of the generator differ")
    found += [
        f"{name} does not count: {BUSY}"
        for name, one in (("A", before), ("B", after))
        if one["verdict"] == BUSY
    ]
    return found


def _parts(before: Any, after: Any) -> list[str]:
    if not isinstance(before, Mapping):
        return []
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def text_of(found: Sequence[Change], other: Sequence[str]) -> str:
    """Write the comparison for a terminal."""
    rows = [HEAD, *(change.row() for change in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *(f"note: {one}" for one in other)])


def comparison_page(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    found: Sequence[Change],
    other: Sequence[str],
) -> str:
    """Write the comparison as one page that needs nothing else."""
    runs = (
        (name, one["started"], verdict_mark(one["verdict"]))
        for name, one in (("A", before), ("B", after))
    )
    notes = html_table(("note",), ((one,) for one in other)) if other else ""
    body = [
        f"<h1>Load test {escape(before['name'])}: two runs</h1>",
        html_table(("run", "begun", "verdict"), runs),
        notes,
        html_table(HEAD, (change.row() for change in found)),
    ]
    return document(f"{before['name']}: two runs", "\n".join(body))
