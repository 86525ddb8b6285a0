"""How long answers take with the real models: at half of saturation, beside a busy task, after a burst."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from benchmarks.http.client import Clients, Requests
from benchmarks.http.load import Seen
from benchmarks.http.server import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import dev_texts, middle_of
from benchmarks.tools.cores import Cpus, split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.workplace import TASKS, Workplace
from seqserve.tasks import Task

NATURAL, ALIKE = "natural", "alike"
"""Texts as they are, and those of about one length: how far times spread is partly the texts' doing."""
MIDDLE = 5  # one in so many is alike

N_CLIENTS = 64
BUSY_CLIENTS = 32
ISOLATION_PER_S = 10.0
SPAN_ENDS_S = (0.5, 1.0, 2.0, 4.0)
"""Where the time after a burst is cut, in seconds."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class TaskTail:
    """One task, a text a request.

    Args:
        task: Which.
        texts: `NATURAL` or `ALIKE`.
        turns: In the order in which they were measured.
    """

    task: Task
    texts: str
    turns: tuple[TailTurn, ...]


@dataclass(frozen=True)
class TailTurn:
    """What was seen one right after the other.

    Args:
        alone: By one client that asked without a pause.
        saturated: By 64 such clients.
        half: By requests that came at half the rate of these.
    """

    alone: Seen
    saturated: Seen
    half: Seen


@dataclass(frozen=True)
class TailFigures:
    """What was found, by task and texts."""

    lines: tuple[TaskTail, ...]


@dataclass(frozen=True)
class IsolationFigures:
    """`/v1/ner` at 10 requests a second.

    Args:
        idle: On an idle server, by turn.
        busy: While translations are asked without a pause, by turn.
        translations_per_s: Of those, by turn.
    """

    idle: tuple[Seen, ...]
    busy: tuple[Seen, ...]
    translations_per_s: tuple[float, ...]


@dataclass(frozen=True)
class BurstFigures:
    """One client of `/v1/ner` that asks without a pause.

    Args:
        before: What it saw on an idle server.
        after: What it saw after a burst of 64, by span of `SPAN_ENDS_S`.
    """

    before: Seen
    after: tuple[Seen, ...]


def measure_tail(place: Workplace, size: HttpSize, say: Say = lambda line: None) -> TailFigures:
    """Find the rate that saturates each task, and let requests come at half of it, on all processors.

    A machine's speed changes within minutes: each turn has a saturation of its own.
    """
    requests = {
        (task, texts): _requests(place, task, size, texts)
        for task, texts in product(TASKS, (NATURAL, ALIKE))
    }
    turns: dict[tuple[Task, str], list[TailTurn]] = {kind: [] for kind in requests}
    with _server(place, split_cores().all) as server:
        for turn, (task, texts) in product(range(size.tail_rounds), requests):
            found = _tail_turn(server, requests[task, texts], size, place.seed + turn)
            turns[task, texts].append(found)
            say(
                f"{task}, {texts}: {found.saturated.per_s:.1f} a second; "
                f"p50/p99 at half of it {found.half.p50_ms:.1f}/{found.half.p99_ms:.1f} ms"
            )
    return TailFigures(tuple(TaskTail(*kind, tuple(found)) for kind, found in turns.items()))


def _tail_turn(server: Server, requests: Requests, size: HttpSize, seed: int) -> TailTurn:
    clients, how = Clients(split_cores().all, seed), (size.tail_load_s, size.warm_up_s)
    alone, saturated = (
        clients.saturate(server, requests, n_clients, *how) for n_clients in (1, N_CLIENTS)
    )
    half, _ = clients.arrive(server, requests, saturated.per_s / 2, size.tail_s)
    return TailTurn(alone, saturated, half)


def measure_isolation(
    place: Workplace, size: HttpSize, say: Say = lambda line: None
) -> IsolationFigures:
    """Ask for names on an idle server and on one that translates, in turns, on all processors."""
    cores = split_cores()
    clients, idle, busy, per_s = Clients(cores.all, place.seed), [], [], []
    names, translations = (_requests(place, task, size) for task in ("ner", "translation"))
    with _server(place, cores.all) as server:
        for _ in range(size.isolation_rounds):
            how = (ISOLATION_PER_S, size.isolation_s)
            idle.append(clients.arrive(server, names, *how)[0])
            found, beside = clients.arrive(server, names, *how, busy=(translations, BUSY_CLIENTS))
            busy.append(found)
            per_s.append(beside.per_s if beside else 0.0)
            say(f"p99 {idle[-1].p99_ms:.1f} ms idle, {found.p99_ms:.1f} ms busy")
    return IsolationFigures(tuple(idle), tuple(busy), tuple(per_s))


def measure_burst(place: Workplace, size: HttpSize, say: Say = lambda line: None) -> BurstFigures:
    """Watch one client before and after a burst of many."""
    cores = split_cores()
    requests = _requests(place, "ner", size)
    with _server(place, cores.served) as server:
        before, after = Clients(cores.load, place.seed).burst(
            server, requests, N_CLIENTS, size.burst_s, list(SPAN_ENDS_S)
        )
    say(f"p50 {before.p50_ms:.2f} ms before, {[round(a.p50_ms, 2) for a in after]} after")
    return BurstFigures(before, tuple(after))


def _server(place: Workplace, cpus: Cpus) -> Server:
    return model_server(place.bundles, place.scratch, cpus, "runners")


def _requests(place: Workplace, task: Task, size: HttpSize, texts: str = NATURAL) -> Requests:
    n_from = size.n_texts * (MIDDLE if texts == ALIKE else 1)
    found = dev_texts(place.bundle(task), place.data, n_from, place.seed)
    return Requests.of(task, middle_of(found, size.n_texts))
