"""The suite of the server beside the runtime and under load: what `bench-http` measures and shows.

All targets were set before anything was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.http.cache import REPEATED, TaskCache, measure_cache
from benchmarks.http.dialects import CALLS, TaskDialects, measure_dialects
from benchmarks.http.imported import measure_imported
from benchmarks.http.load import Observation
from benchmarks.http.overhead import BARE, N_CLIENTS, TaskOverhead, measure_overhead
from benchmarks.http.swaps import SwapRound, measure_swaps
from benchmarks.http.tail import TaskTail, measure_tail
from benchmarks.http.throughput import (
    CALL_TEXTS,
    HTTP,
    REQUEST_TEXTS,
    RUNTIME,
    TaskThroughput,
    measure_throughput,
)
from benchmarks.tools.suite import Part, Suite
from benchmarks.tools.tables import CHECKED, NONE, checked, ratio_cell
from benchmarks.tools.tasks import BENCHMARKS
from benchmarks.tools.timing import Ratio
from loadtest.targets import at_least, at_most
from seqserve.evaluation.markdown import table_lines

OVERHEAD = {"embedded": at_most(1.6), "runners": at_most(2.5)}
"""CPU time per request, as a multiple of the bare server's, by topology."""

TAIL = at_most(3.0)
"""99th percentile at half of saturation, as a multiple of the median."""

DIALECT = at_most(1.15, ".2f")
"""CPU time per request, as a multiple of the server's own route."""

SWAPPED = at_most(1.5)
"""99th percentile while versions change, as a multiple of that without changes."""

CACHED = at_least(2.0)
"""Requests per second with a cache of answers, as a multiple of those without."""


def overhead_lines(lines: Sequence[TaskOverhead]) -> Iterator[str]:
    """Format CPU time per request, and its ratio to the bare server's."""
    yield (
        f"One short text a request, {N_CLIENTS} clients on kept connections, engines that compute "
        "nothing, all servers on one core."
    )
    yield ""
    yield from table_lines(
        ("route", "server", "CPU ms a request", "requests/s", "ratio (quartiles)", *CHECKED),
        (row for line in lines for row in _overhead_rows(line)),
    )


def _overhead_rows(line: TaskOverhead) -> Iterator[Iterable[object]]:
    for name, side in line.comparison.sides.items():
        found = line.comparison.typical_ratio(name, BARE, "cpu")
        times = f"{side.cpu.best_ms:.3f}", f"{1000 / side.wall.best_ms:.0f}"
        cell = NONE if name == BARE else ratio_cell(found)
        yield line.task, name, *times, cell, *checked(OVERHEAD.get(name), found.value)


def dialect_lines(lines: Sequence[TaskDialects]) -> Iterator[str]:
    """Format CPU time per request of every dialect, and its ratio to the server's own route."""
    yield (
        "One real text a request, the server with its runners on one core. Label Studio gets the "
        "probability of the most probable labeling, and Azure the sentiment of every sentence: they are "
        "compared with requests to the own route for as much."
    )
    yield ""
    yield from table_lines(
        ("task", "dialect", "CPU ms a request", "ratio (quartiles)", *CHECKED),
        (row for line in lines for row in _dialect_rows(line)),
    )


def _dialect_rows(line: TaskDialects) -> Iterator[Iterable[object]]:
    for name, side in line.comparison.sides.items():
        call = CALLS[line.task].get(name)
        found = line.comparison.typical_ratio(name, call.native if call else name, "cpu")
        cell, target = (ratio_cell(found), DIALECT) if call else (NONE, None)
        yield line.task, name, f"{side.cpu.best_ms:.2f}", cell, *checked(target, found.value)


def throughput_lines(lines: Sequence[TaskThroughput]) -> Iterator[str]:
    """Format texts per second of both sides."""
    yield (
        f"Requests of {REQUEST_TEXTS} real texts to the server with its runners; the runtime alone computes "
        f"the same texts in calls of {CALL_TEXTS}. Each side has the same one core."
    )
    yield from _throughput_table(lines)


def imported_lines(lines: Sequence[TaskThroughput]) -> Iterator[str]:
    """Format texts per second of both sides with an imported encoder."""
    yield (
        "An encoder of 6 layers and 384 features with random weights, imported in int8. 64 clients send one "
        f"text a request, the runtime alone has calls of {CALL_TEXTS}. Each side has the same one core."
    )
    yield from _throughput_table(lines)


def _throughput_table(lines: Sequence[TaskThroughput]) -> Iterator[str]:
    yield ""
    yield from table_lines(
        (
            *("task", "texts/s", "runtime", "CPU ms a text", "runtime"),
            *("share of the runtime's texts/s (quartiles)", *CHECKED),
        ),
        map(_throughput_row, lines),
    )


def _throughput_row(line: TaskThroughput) -> Iterable[object]:
    http, runtime = (line.comparison.sides[name] for name in (HTTP, RUNTIME))
    share = line.comparison.typical_ratio(RUNTIME, HTTP, "wall")
    return (
        line.task,
        *(f"{1000 / side.wall.best_ms:.1f}" for side in (http, runtime)),
        *(f"{side.cpu.best_ms:.2f}" for side in (http, runtime)),
        *(ratio_cell(share), *checked(BENCHMARKS[line.task].http_share, share.value)),
    )


def tail_lines(lines: Sequence[TaskTail]) -> Iterator[str]:
    """Format the median and the 99th percentile of one client alone, and at half of saturation."""
    yield (
        '"Alone" is one client that sends without a pause. Server and clients share all CPUs; '
        "values and ratios are medians over the rounds."
    )
    yield ""
    yield from table_lines(
        (
            *("task", "alone: p50 ms", "p99 ÷ p50", "most requests/s"),
            *("half of them: p50 ms", "p99 ms", "p99 ÷ p50 (quartiles)", *CHECKED),
        ),
        map(_tail_row, lines),
    )


def _tail_row(line: TaskTail) -> Iterable[object]:
    alone, half = [one.alone for one in line.rounds], [one.half for one in line.rounds]
    most_per_s = median(one.saturated.per_s for one in line.rounds)
    ratio = _spread(half)
    return (
        *(line.task, f"{_p50(alone):.1f}", f"{_spread(alone).value:.2f}"),
        *(f"{most_per_s:.1f}", f"{_p50(half):.1f}", f"{_p99(half):.1f}"),
        *(ratio_cell(ratio), *checked(TAIL, ratio.value)),
    )


def swap_lines(rounds: Sequence[SwapRound]) -> Iterator[str]:
    """Format the latency with one version, and while versions change."""
    yield (
        "Named entities, a text per request, half of the rate that saturates the server. A change writes a new "
        "version, removes the one before and reloads; no request failed. Server and clients share all CPUs; "
        "values and ratios are medians over the rounds."
    )
    yield ""
    still, swapped = [one.still for one in rounds], [one.swapped for one in rounds]
    ratio = Ratio.median_of([one.swapped.p99_ms / one.still.p99_ms for one in rounds])
    row = (
        *(sum(one.n_swaps for one in rounds), f"{_p50(still):.1f}", f"{_p50(swapped):.1f}"),
        *(f"{_p99(still):.1f}", f"{_p99(swapped):.1f}", ratio_cell(ratio)),
        *checked(SWAPPED, ratio.value),
    )
    yield from table_lines(
        (
            *("changes", "p50 ms", "p50 ms, changing", "p99 ms", "p99 ms, changing"),
            *("ratio (quartiles)", *CHECKED),
        ),
        [row],
    )


def cache_lines(lines: Sequence[TaskCache]) -> Iterator[str]:
    """Format requests per second without and with a cache of answers."""
    yield (
        f"{REPEATED:.0%} of the texts were sent before; one real text a request, the server with its "
        "runners on one core. Values and ratios are medians over the rounds."
    )
    yield ""
    yield from table_lines(
        (
            *("task", "requests/s", "with a cache", "p50 ms", "with a cache"),
            *("ratio (quartiles)", *CHECKED),
        ),
        map(_cache_row, lines),
    )


def _cache_row(line: TaskCache) -> Iterable[object]:
    sides = [one.without for one in line.rounds], [one.cached for one in line.rounds]
    ratio = Ratio.median_of([one.cached.per_s / one.without.per_s for one in line.rounds])
    return (
        line.task,
        *(f"{median(one.per_s for one in side):.1f}" for side in sides),
        *(f"{_p50(side):.1f}" for side in sides),
        *(ratio_cell(ratio), *checked(CACHED, ratio.value)),
    )


def _spread(seen: Sequence[Observation]) -> Ratio:
    return Ratio.median_of([one.p99_ms / one.p50_ms for one in seen])


def _p50(seen: Sequence[Observation]) -> float:
    return median(one.p50_ms for one in seen)


def _p99(seen: Sequence[Observation]) -> float:
    return median(one.p99_ms for one in seen)


SUITE = Suite(
    section="bench-http",
    parts={
        "overhead": Part("CPU time per request", measure_overhead, TaskOverhead, overhead_lines),
        "throughput": Part(
            "Throughput beside the runtime alone",
            *(measure_throughput, TaskThroughput, throughput_lines),
        ),
        "imported": Part(
            "Throughput of an imported encoder",
            *(measure_imported, TaskThroughput, imported_lines),
        ),
        "tail": Part("Half of saturation", measure_tail, TaskTail, tail_lines),
        "dialects": Part("Dialects", measure_dialects, TaskDialects, dialect_lines),
        "swaps": Part("Changes of the version", measure_swaps, SwapRound, swap_lines),
        "cache": Part("Cache of answers", measure_cache, TaskCache, cache_lines),
    },
    tools=("bentoml", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "onnxruntime"),
)
