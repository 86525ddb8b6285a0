"""CPU time per request of the server on engines that compute nothing, beside the least that could answer it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.http import null
from benchmarks.http.client import Clients, Requests
from benchmarks.http.rounds import Turn, comparison_of, turn_of
from benchmarks.http.server import bare_server, null_server
from benchmarks.http.size import HttpSize
from benchmarks.tools.cores import split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.timing import Comparison
from benchmarks.tools.workplace import TASKS, Workplace
from seqserve.tasks import Task

BARE = "bare"
N_CLIENTS = 64


@dataclass(frozen=True)
class TaskOverhead:
    """One route.

    Args:
        task: Which.
        comparison: Times per request of `bare`, `embedded` and `runners`.
    """

    task: Task
    comparison: Comparison


@dataclass(frozen=True)
class OverheadFigures:
    """What was found, by route."""

    lines: tuple[TaskOverhead, ...]


def measure_overhead(
    place: Workplace, size: HttpSize, say: Callable[[str], None] = lambda line: None
) -> OverheadFigures:
    """Put the three servers under the same load, one after the other, round after round.

    All of them run all the time, on one processor.
    """
    cores, bundles = split_cores(), null.write_bundles(place.scratch / "null")
    clients, lines = Clients(cores.load, place.seed), []
    where = (bundles, place.scratch, cores.served)
    with ExitStack() as running:
        servers = {
            BARE: bare_server(*where),
            "embedded": null_server(*where, "embedded"),
            "runners": null_server(*where, "runners"),
        }
        for server in servers.values():
            running.enter_context(server)
        for task in TASKS:
            line = TaskOverhead(task, _compare(task, servers, clients, size))
            found = line.comparison.sides
            say(f"{task}: " + ", ".join(f"{k} {v.cpu.best_ms:.3f} ms" for k, v in found.items()))
            lines.append(line)
    return OverheadFigures(tuple(lines))


def _compare(
    task: Task, servers: dict[str, Server], clients: Clients, size: HttpSize
) -> Comparison:
    requests = Requests.of(task, [null.TEXT])
    turns: dict[str, list[Turn]] = {name: [] for name in servers}
    for _ in range(size.overhead_rounds):
        for name, server in servers.items():
            how = (N_CLIENTS, size.overhead_s, size.warm_up_s / 10)
            load = partial(clients.saturate, server, requests, *how)
            turns[name].append(turn_of(server, load))
    return comparison_of(turns)
