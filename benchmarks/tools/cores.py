"""Which processors the servers get, and which the load generator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Cpus = tuple[int, ...]


@dataclass(frozen=True)
class Cores:
    """Processors by who may run there.

    Args:
        all: All that there are; what shows how tasks share a machine runs here.
        served: One, for what is compared.
        load: Another one for the load generator, where there are two.
    """

    all: Cpus
    served: Cpus
    load: Cpus


def available() -> Cpus:
    """Give the processors that this thread may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


def split_cores(cpus: Cpus | None = None) -> Cores:
    """Give the first processor to what is compared and the last to the load generator."""
    cpus = cpus or available()
    return Cores(cpus, cpus[:1], cpus[-1:])


@contextmanager
def started_on(cpus: Cpus) -> Iterator[None]:
    """Let the processes that this thread starts meanwhile run on some processors only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
