"""Latency with the real models at half of the rate that saturates a task."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from benchmarks.http.load import Clients, Observation, Requests, requests_of
from benchmarks.http.overhead import N_CLIENTS
from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import dev_texts
from benchmarks.tools.cores import split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.workspace import Report, Workspace
from seqserve.tasks import SHIPPED, Task


@dataclass(frozen=True)
class TailRound:
    """Loads that were measured one right after the other.

    Args:
        alone: One client that sends without a pause.
        saturated: 64 such clients.
        half: Arrivals at half the rate of these.
    """

    alone: Observation
    saturated: Observation
    half: Observation


@dataclass(frozen=True)
class TaskTail:
    """One task, a text per request; the rounds in the order in which they were measured."""

    task: Task
    rounds: tuple[TailRound, ...]


def measure_tail(space: Workspace, size: HttpSize, report: Report) -> tuple[TaskTail, ...]:
    """Find the rate that saturates each task, and send half of it, on all CPUs.

    A machine's speed changes within minutes: saturation is measured in each round.
    """
    requests = {
        task: requests_of(task, dev_texts(space.bundle(task), space.data, size.n_texts, space.seed))
        for task in SHIPPED
    }
    rounds: dict[Task, list[TailRound]] = {task: [] for task in SHIPPED}
    with model_server(space.bundles, space.scratch, split_cores().all, "runners") as server:
        for n, task in product(range(size.tail_rounds), SHIPPED):
            found = _tail_round(server, requests[task], size, space.seed + n)
            rounds[task].append(found)
            report(
                f"{task}: {found.saturated.per_s:.1f} a second; p50/p99 at half of it "
                f"{found.half.p50_ms:.1f}/{found.half.p99_ms:.1f} ms"
            )
    return tuple(TaskTail(task, tuple(found)) for task, found in rounds.items())


def _tail_round(server: Server, requests: Requests, size: HttpSize, seed: int) -> TailRound:
    clients, how = Clients(split_cores().all, seed), (size.tail_load_s, size.warm_up_s)
    alone, saturated = (
        clients.saturate(server, requests, n_clients, *how) for n_clients in (1, N_CLIENTS)
    )
    half = clients.arrive(server, requests, saturated.per_s / 2, size.tail_s)
    return TailRound(alone, saturated, half)
