"""Throughput over HTTP with the real models, beside the runtime alone in a fresh process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.http.load import Clients, requests_of
from benchmarks.http.overhead import UnitCost, comparison_of, cost_of
from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import batches_of, dev_texts
from benchmarks.tools.child import run_child
from benchmarks.tools.cores import Cores, Cpus, split_cores, started_on
from benchmarks.tools.served import Server
from benchmarks.tools.timing import Comparison
from benchmarks.tools.workspace import Report, Workspace
from seqserve.bundle import Bundle
from seqserve.runtime import open_engine
from seqserve.tasks import SHIPPED, TASKS, Task

HTTP, RUNTIME = "HTTP", "runtime"
N_CLIENTS, REQUEST_TEXTS = 16, 16
CALL_TEXTS = 128
"""Texts per call of the runtime alone: the fastest of 16, 32, 128 and 1024 for every task."""


@dataclass(frozen=True)
class TaskThroughput:
    """One task: times per text of both sides."""

    task: Task
    comparison: Comparison


def measure_throughput(
    space: Workspace, size: HttpSize, report: Report
) -> tuple[TaskThroughput, ...]:
    """Let both sides compute the same texts on one CPU, alternating."""
    cores, lines = split_cores(), []
    with model_server(space.bundles, space.scratch, cores.served, "runners") as server:
        for task in SHIPPED:
            bundle = space.bundle(task)
            texts = dev_texts(bundle, space.data, size.n_texts, space.seed)
            lines.append(compare_throughput(bundle, texts, server, cores, size))
            report(in_words(lines[-1]))
    return tuple(lines)


def in_words(line: TaskThroughput) -> str:
    """Return the times of both sides."""
    sides = line.comparison.sides.items()
    return f"{line.task}: " + ", ".join(
        f"{name} {side.wall.best_ms:.3f} ms" for name, side in sides
    )


def compare_throughput(
    bundle: Bundle,
    texts: list[str],
    server: Server,
    cores: Cores,
    size: HttpSize,
    load: tuple[int, int] = (N_CLIENTS, REQUEST_TEXTS),
) -> TaskThroughput:
    """Let a server and the runtime alone compute the same texts on one CPU, alternating.

    Args:
        bundle: The model.
        texts: What is computed.
        server: It serves the model, and runs on `cores.served`.
        cores: Where the sides and the clients run.
        size: How long.
        load: Clients, and texts per request.
    """
    task, (n_clients, n_texts) = bundle.manifest.task, load
    requests = requests_of(task, batches_of(texts, n_texts))
    how = (server, requests, n_clients, size.throughput_s, size.warm_up_s)
    saturate = partial(Clients(cores.load).saturate, *how)
    costs: dict[str, list[UnitCost]] = {HTTP: [], RUNTIME: []}
    for _ in range(size.rounds):
        costs[HTTP].append(cost_of(server, saturate, n_texts))
        costs[RUNTIME].append(time_runtime(bundle, texts, size.runtime_s, cores.served))
    return TaskThroughput(task, comparison_of(costs))


def time_runtime(bundle: Bundle, texts: list[str], seconds: float, cpus: Cpus) -> UnitCost:
    """Measure the cost per text of an engine in a fresh process."""
    with started_on(cpus):
        return run_child(partial(time_calls, bundle.path, texts, seconds))


def time_calls(bundle: Path, texts: list[str], seconds: float) -> UnitCost:
    """In a child: compute all texts repeatedly, and return the cost per text."""
    engine = open_engine(bundle)
    item = TASKS[engine.bundle.manifest.task].item
    items = list(map(item, texts))
    calls = [items[i : i + CALL_TEXTS] for i in range(0, len(items), CALL_TEXTS)]
    engine.predict(calls[0])
    wall, cpu, n_passes = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - wall < seconds:
        for call in calls:
            engine.predict(call)
        n_passes += 1
    cpu_ms, wall_ms = (time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000
    n_answered = n_passes * len(texts)
    return UnitCost(cpu_ms / n_answered, wall_ms / n_answered)
