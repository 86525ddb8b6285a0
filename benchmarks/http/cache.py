"""Throughput with a cache of answers, beside the same server without one, where most texts repeat."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.http.load import Clients, Observation, requests_of
from benchmarks.http.servers import model_server
from benchmarks.http.size import HttpSize
from benchmarks.models.texts import dev_texts
from benchmarks.tools.cores import split_cores
from benchmarks.tools.workspace import Report, Workspace
from seqserve.errors import DataError
from seqserve.tasks import SHIPPED, Task

N_CLIENTS = 16
REPEATED = 0.6
"""Share of the requests whose text was sent before in the same round."""

_CACHE_BYTES = 64_000_000
_MAX_PER_S = 8000
"""More requests than any task answers; a round has so many for each of its seconds."""


@dataclass(frozen=True)
class CacheRound:
    """Two loads, one right after the other."""

    without: Observation
    cached: Observation


@dataclass(frozen=True)
class TaskCache:
    """One task, a text per request; the rounds in the order in which they were measured."""

    task: Task
    rounds: tuple[CacheRound, ...]


def with_repeats(texts: Sequence[str], n: int, seed: int) -> list[str]:
    """Return `n` texts, of which `REPEATED` are equal to earlier ones.

    Args:
        texts: A text that is new is one of these with a number behind it, so that it is in no other list.
        n: How many.
        seed: Decides which texts repeat, and is part of the number.
    """
    chance, new, sent = random.Random(seed), list[str](), list[str]()
    for _ in range(n):
        if new and chance.random() < REPEATED:
            sent.append(chance.choice(new))
        else:
            new.append(f"{chance.choice(texts)} {seed}.{len(new)}")
            sent.append(new[-1])
    return sent


def measure_cache(space: Workspace, size: HttpSize, report: Report) -> tuple[TaskCache, ...]:
    """Let both servers answer the same requests on one CPU, alternating; no request is sent in two rounds."""
    cores, lines = split_cores(), []
    clients = Clients(cores.load, space.seed)
    where = (space.bundles, space.scratch, cores.served)
    caching = {"SEQSERVE_CACHE_BYTES": str(_CACHE_BYTES)}
    with ExitStack() as running:
        servers = [model_server(*where, "runners", settings) for settings in ({}, caching)]
        for server in servers:
            running.enter_context(server)
        for task in SHIPPED:
            texts = dev_texts(space.bundle(task), space.data, size.n_texts, space.seed)
            rounds, how = [], (N_CLIENTS, size.cache_s, size.warm_up_s / 10)
            for number in range(size.cache_rounds):
                sent = with_repeats(texts, round(_MAX_PER_S * size.cache_s), space.seed + number)
                requests = requests_of(task, sent)
                found = [clients.saturate(server, requests, *how) for server in servers]
                if max(one.n_answered for one in found) > len(requests):
                    raise DataError(f"{task}: all {len(requests)} texts of a round were sent")
                rounds.append(CacheRound(*found))
                report(
                    f"{task}: {found[0].per_s:.1f} requests/s, with a cache {found[1].per_s:.1f}"
                )
            lines.append(TaskCache(task, tuple(rounds)))
    return tuple(lines)
