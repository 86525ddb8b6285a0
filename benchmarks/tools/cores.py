"""Assign CPUs: to the servers that are compared, and to the load generator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Cpus = tuple[int, ...]


@dataclass(frozen=True)
class Cores:
    """CPUs by use.

    Args:
        all: All available ones, for measurements of how tasks share a machine.
        served: One, for what is compared.
        load: Another one for the load generator, where there are two.
    """

    all: Cpus
    served: Cpus
    load: Cpus


def split_cores(cpus: Cpus | None = None) -> Cores:
    """Assign the first CPU to what is compared and the last to the load generator."""
    cpus = cpus or tuple(sorted(os.sched_getaffinity(0)))
    return Cores(cpus, cpus[:1], cpus[-1:])


@contextmanager
def started_on(cpus: Cpus) -> Iterator[None]:
    """Restrict the processes that this thread starts meanwhile to some CPUs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
