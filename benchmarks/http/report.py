"""The record as the section of docs/benchmarks-http.md between its two markers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.http.parts import HttpRecord
from benchmarks.http.tables import (
    burst_lines,
    isolation_lines,
    overhead_lines,
    tail_lines,
    throughput_lines,
)
from benchmarks.models.report import bundle_lines, machine_line

SECTION = "bench-http"

_TABLES: dict[str, tuple[str, Callable[[Any], Iterator[str]]]] = {
    "overhead": ("CPU time per request", overhead_lines),
    "throughput": ("Throughput beside the runtime alone", throughput_lines),
    "tail": ("Half of saturation", tail_lines),
    "isolation": ("Names while translations saturate the server", isolation_lines),
    "burst": ("After a burst", burst_lines),
}


def report_markdown(record: HttpRecord) -> str:
    """Give the section: the machine and a table per part that was measured."""
    lines = [machine_line(record.machine), "", *bundle_lines(record)]
    if record.size != "full":
        lines += ["", f"**Size {record.size}: few and short turns.**"]
    for name, (title, lines_of) in _TABLES.items():
        if figures := getattr(record.parts, name):
            lines += ["", f"### {title}", "", *lines_of(figures)]
    return "\n".join(lines)
