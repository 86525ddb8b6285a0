"""What HTTP costs with the real models: texts per second of a full server, and of the runtime alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.http.client import Clients, Requests
from benchmarks.http.inprocess import best_call, time_runtime
from benchmarks.http.rounds import Turn, comparison_of, turn_of
from benchmarks.http.server import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import batches_of, dev_texts
from benchmarks.tools.cores import Cores, split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.timing import Comparison
from benchmarks.tools.workplace import TASKS, Workplace
from seqserve.bundle import Bundle
from seqserve.tasks import Task

HTTP, RUNTIME = "HTTP", "runtime"
N_CLIENTS, REQUEST_TEXTS = 16, 16


@dataclass(frozen=True)
class TaskThroughput:
    """One task.

    Args:
        task: Which.
        call_texts: Texts in a call of the runtime alone.
        comparison: Times per text of both sides.
    """

    task: Task
    call_texts: int
    comparison: Comparison


@dataclass(frozen=True)
class ThroughputFigures:
    """What was found, by task."""

    lines: tuple[TaskThroughput, ...]


def measure_throughput(
    place: Workplace, size: HttpSize, say: Callable[[str], None] = lambda line: None
) -> ThroughputFigures:
    """Let both sides answer the same texts on one processor, in turns."""
    cores, lines = split_cores(), []
    with model_server(place.bundles, place.scratch, cores.served, "runners") as server:
        for task in TASKS:
            bundle = place.bundle(task)
            texts = dev_texts(bundle, place.data, size.n_texts, place.seed)
            line = _Both(bundle, texts, server, cores, size).compare()
            found = line.comparison.sides
            say(f"{task}: " + ", ".join(f"{k} {v.wall.best_ms:.3f} ms" for k, v in found.items()))
            lines.append(line)
    return ThroughputFigures(tuple(lines))


@dataclass(frozen=True)
class _Both:
    bundle: Bundle
    texts: list[str]
    server: Server
    cores: Cores
    size: HttpSize

    def compare(self) -> TaskThroughput:
        task, seconds = self.bundle.manifest.task, self.size.runtime_s
        call_texts = best_call(self.bundle, self.texts, seconds / 4, self.cores.served)
        requests = Requests.of(task, batches_of(self.texts, REQUEST_TEXTS))
        load = partial(
            Clients(self.cores.load).saturate,
            *(self.server, requests, N_CLIENTS, self.size.throughput_s, self.size.warm_up_s),
        )
        turns: dict[str, list[Turn]] = {HTTP: [], RUNTIME: []}
        for _ in range(self.size.rounds):
            turns[HTTP].append(turn_of(self.server, load, REQUEST_TEXTS))
            alone = time_runtime(self.bundle, self.texts, call_texts, seconds, self.cores.served)
            turns[RUNTIME].append(alone)
        return TaskThroughput(task, call_texts, comparison_of(turns))
