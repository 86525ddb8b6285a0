"""Whether the generator itself is the bottleneck: its CPU, late timers and late requests."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from loadtest.config import read_toml
from loadtest.metrics import percentile
from seqserve.config import from_mapping

_TICK_S = 0.02
_WINDOW_S = 1.0


@dataclass(frozen=True)
class Bounds:
    """Bounds within which the results of a generator count.

    Args:
        max_cpu: CPU of the process, as a share of one core; 95th percentile of the seconds.
        max_lag_ms: 99th percentile of the delay of timers.
        max_late_ms: 99th percentile of the delay of requests.
    """

    max_cpu: float = 0.85
    max_lag_ms: float = 25.0
    max_late_ms: float = 25.0


def read_bounds(path: Path) -> Bounds:
    """Load the table `generator` of a file of objectives.

    Raises:
        LoadTestError: The file is missing.
        ConfigError: It has an unknown key.
    """
    return from_mapping(Bounds, read_toml(path).get("generator", {}), f"{path.name}: generator")


@dataclass(frozen=True)
class Fitness:
    """How busy a generator was.

    Args:
        cpu: Share of one core; 95th percentile of the seconds.
        lag_ms: 99th percentile of the delay of its timers.
        late_ms: 99th percentile of the delay of its requests.
        n_unsent: Requests that were never sent, since too many were unanswered.
        cpus: CPUs that it could use.
        faults: Why its results do not count; empty if they do.
    """

    cpu: float
    lag_ms: float
    late_ms: float
    n_unsent: int
    cpus: tuple[int, ...]
    faults: tuple[str, ...]


@dataclass
class Watch:
    """Watches this process from inside its event loop, within `async with`."""

    cpu: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        """Start."""
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop."""
        self._task.cancel()

    async def _watch(self) -> None:
        since, used = time.perf_counter(), time.process_time()
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            now = time.perf_counter()
            self.lag_ms.append(max(0.0, now - before - _TICK_S) * 1000)
            if now - since >= _WINDOW_S:
                spent = time.process_time()
                self.cpu.append((spent - used) / (now - since))
                since, used = now, spent

    def fitness(self, late_ms: Sequence[float], n_unsent: int, bounds: Bounds) -> Fitness:
        """Check what was measured against the bounds.

        Args:
            late_ms: Delays of the requests of open streams.
            n_unsent: Requests that were never sent.
            bounds: The bounds.
        """
        cpu = percentile(sorted(self.cpu) or [0.0], 0.95)
        lag, late = (percentile(sorted(x) or [0.0], 0.99) for x in (self.lag_ms, late_ms))
        most_lag, most_late = bounds.max_lag_ms, bounds.max_late_ms
        checks = (
            (cpu > bounds.max_cpu, f"it used {cpu:.0%} of a core; at most {bounds.max_cpu:.0%}"),
            (lag > most_lag, f"timers {lag:.0f} ms late; at most {most_lag:.0f}"),
            (late > most_late, f"requests {late:.0f} ms late; at most {most_late:.0f}"),
            (n_unsent > 0, f"{n_unsent} requests were not sent: too many unanswered"),
        )
        faults = tuple(text for is_fault, text in checks if is_fault)
        return Fitness(cpu, lag, late, n_unsent, tuple(sorted(os.sched_getaffinity(0))), faults)
