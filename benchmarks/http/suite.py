"""The suite of the server beside the runtime and under load: what `bench-http` measures and shows."""

from __future__ import annotations

from benchmarks.http import tables
from benchmarks.http.latency import (
    BurstResult,
    IsolationResult,
    TaskTail,
    measure_burst,
    measure_isolation,
    measure_tail,
)
from benchmarks.http.overhead import TaskOverhead, measure_overhead
from benchmarks.http.throughput import TaskThroughput, measure_throughput
from benchmarks.tools.suite import Part, Suite

SUITE = Suite(
    section="bench-http",
    parts={
        "overhead": Part(
            "CPU time per request", measure_overhead, TaskOverhead, tables.overhead_lines
        ),
        "throughput": Part(
            "Throughput beside the runtime alone",
            *(measure_throughput, TaskThroughput, tables.throughput_lines),
        ),
        "tail": Part("Half of saturation", measure_tail, TaskTail, tables.tail_lines),
        "isolation": Part(
            "Entities while translations saturate the server",
            *(measure_isolation, IsolationResult, tables.isolation_lines),
        ),
        "burst": Part("After a burst", measure_burst, BurstResult, tables.burst_lines),
    },
    tools=("bentoml", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "onnxruntime"),
)
