"""Latency with the real models: at half of saturation, beside a busy task, and after a burst."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from benchmarks.http.load import Clients, Observation, Requests, requests_of
from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import dev_texts, middle_of
from benchmarks.tools.cores import Cpus, split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.tasks import NER, TRANSLATION
from benchmarks.tools.workspace import Report, Workspace
from seqserve.tasks import TASKS, Task

NATURAL, ALIKE = "natural", "alike"
"""Texts as they are, and those of about one length: the spread of lengths alone spreads the times."""
MIDDLE = 5  # one in so many is alike

N_CLIENTS = 64
BUSY_CLIENTS = 32
ISOLATION_PER_S = 10.0
SPAN_ENDS_S = (0.5, 1.0, 2.0, 4.0)
"""Ends of the spans after a burst, in seconds."""


@dataclass(frozen=True)
class TailTurn:
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
    """One task, a text per request.

    Args:
        task: Which.
        texts: `NATURAL` or `ALIKE`.
        turns: In the order in which they were measured.
    """

    task: Task
    texts: str
    turns: tuple[TailTurn, ...]


@dataclass(frozen=True)
class IsolationResult:
    """`/v1/ner` at 10 requests per second.

    Args:
        idle: On an idle server, by round.
        busy: While clients send translations without a pause, by round.
        translations_per_s: Rate of those, by round.
    """

    idle: tuple[Observation, ...]
    busy: tuple[Observation, ...]
    translations_per_s: tuple[float, ...]


@dataclass(frozen=True)
class BurstResult:
    """One client of `/v1/ner` that sends without a pause: before, and after a burst of 64, by span."""

    before: Observation
    after: tuple[Observation, ...]


def measure_tail(space: Workspace, size: HttpSize, report: Report) -> tuple[TaskTail, ...]:
    """Find the rate that saturates each task, and send half of it, on all CPUs.

    A machine's speed changes within minutes: saturation is measured in each round.
    """
    requests = {
        (task, texts): _requests(space, task, size, texts)
        for task, texts in product(TASKS, (NATURAL, ALIKE))
    }
    turns: dict[tuple[Task, str], list[TailTurn]] = {kind: [] for kind in requests}
    with _server(space, split_cores().all) as server:
        for turn, (task, texts) in product(range(size.tail_rounds), requests):
            found = _tail_turn(server, requests[task, texts], size, space.seed + turn)
            turns[task, texts].append(found)
            report(
                f"{task}, {texts}: {found.saturated.per_s:.1f} a second; "
                f"p50/p99 at half of it {found.half.p50_ms:.1f}/{found.half.p99_ms:.1f} ms"
            )
    return tuple(TaskTail(*kind, tuple(found)) for kind, found in turns.items())


def _tail_turn(server: Server, requests: Requests, size: HttpSize, seed: int) -> TailTurn:
    clients, how = Clients(split_cores().all, seed), (size.tail_load_s, size.warm_up_s)
    alone, saturated = (
        clients.saturate(server, requests, n_clients, *how) for n_clients in (1, N_CLIENTS)
    )
    (half,) = clients.arrive(server, requests, saturated.per_s / 2, size.tail_s)
    return TailTurn(alone, saturated, half)


def measure_isolation(space: Workspace, size: HttpSize, report: Report) -> IsolationResult:
    """Request entities on an idle server and on one that translates, alternating, on all CPUs."""
    cores = split_cores()
    clients, idle, busy, per_s = Clients(cores.all, space.seed), [], [], []
    entities, translations = (_requests(space, task, size) for task in (NER, TRANSLATION))
    how = (entities, ISOLATION_PER_S, size.isolation_s)
    with _server(space, cores.all) as server:
        for _ in range(size.isolation_rounds):
            idle += clients.arrive(server, *how)
            found, beside = clients.arrive(server, *how, busy=(translations, BUSY_CLIENTS))
            busy.append(found)
            per_s.append(beside.per_s)
            report(f"p99 {idle[-1].p99_ms:.1f} ms idle, {found.p99_ms:.1f} ms busy")
    return IsolationResult(tuple(idle), tuple(busy), tuple(per_s))


def measure_burst(space: Workspace, size: HttpSize, report: Report) -> BurstResult:
    """Observe one client before and after a burst of many."""
    cores, requests = split_cores(), _requests(space, NER, size)
    clients = Clients(cores.load, space.seed)
    with _server(space, cores.served) as server:
        before, *after = clients.burst(server, requests, N_CLIENTS, size.burst_s, SPAN_ENDS_S)
    report(f"p50 {before.p50_ms:.2f} ms before, {[round(a.p50_ms, 2) for a in after]} after")
    return BurstResult(before, tuple(after))


def _server(space: Workspace, cpus: Cpus) -> Server:
    return model_server(space.bundles, space.scratch, cpus, "runners")


def _requests(space: Workspace, task: Task, size: HttpSize, texts: str = NATURAL) -> Requests:
    n_from = size.n_texts * (MIDDLE if texts == ALIKE else 1)
    found = dev_texts(space.bundle(task), space.data, n_from, space.seed)
    return requests_of(task, middle_of(found, size.n_texts))
