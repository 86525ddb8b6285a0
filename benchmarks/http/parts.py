"""The figures over HTTP: one part per question, and the function that measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.http.latency import (
    BurstFigures,
    IsolationFigures,
    TailFigures,
    measure_burst,
    measure_isolation,
    measure_tail,
)
from benchmarks.http.overhead import OverheadFigures, measure_overhead
from benchmarks.http.size import HttpSize
from benchmarks.http.throughput import ThroughputFigures, measure_throughput
from benchmarks.tools.machine import describe_machine
from benchmarks.tools.record import Record, describe_bundles
from benchmarks.tools.workplace import Workplace

TOOLS = ("bentoml", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "onnxruntime")

HTTP_PARTS: dict[str, Callable[[Workplace, HttpSize, Callable[[str], None]], Any]] = {
    "overhead": measure_overhead,
    "throughput": measure_throughput,
    "tail": measure_tail,
    "isolation": measure_isolation,
    "burst": measure_burst,
}


@dataclass(frozen=True)
class HttpParts:
    """Figures by part of the benchmark; None: not measured."""

    overhead: OverheadFigures | None = None
    throughput: ThroughputFigures | None = None
    tail: TailFigures | None = None
    isolation: IsolationFigures | None = None
    burst: BurstFigures | None = None


@dataclass(frozen=True)
class HttpRecord(Record):
    """All figures over HTTP."""

    parts: HttpParts = HttpParts()


def new_http_record(place: Workplace, size: str) -> HttpRecord:
    """Give a record without figures."""
    machine = describe_machine(tools=TOOLS)
    return HttpRecord(machine, describe_bundles(place), size, place.seed)
