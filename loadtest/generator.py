"""Is the generator itself the bottleneck? Its CPU, how late its timers are, and how late requests go out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.figures import percentile
from loadtest.strict import made_from, read_toml

_TICK_S = 0.02
_WINDOW_S = 1.0


@dataclass(frozen=True)
class Bounds:
    """What a generator must stay within for its figures to count.

    Args:
        max_cpu: CPU of the process, as a share of one core, that 95 % of the seconds are not above.
        max_lag_ms: 99th percentile of how late timers are.
        max_late_ms: 99th percentile of how late requests go out.
    """

    max_cpu: float = 0.85
    max_lag_ms: float = 25.0
    max_late_ms: float = 25.0


def read_bounds(path: Path) -> Bounds:
    """Read the table `generator` of a file of objectives.

    Raises:
        LoadTestError: The file is missing or has something that no bound can have.
    """
    return made_from(Bounds, read_toml(path).get("generator", {}), f"{path.name}: generator")


@dataclass(frozen=True)
class Fitness:
    """How busy a generator was.

    Args:
        cpu: Share of one core that 95 % of the seconds were not above.
        lag_ms: 99th percentile of how late its timers were.
        late_ms: 99th percentile of how late its requests went out.
        n_unsent: Requests that were never sent, since too many were unanswered.
        cpus: Processors that it could use.
        faults: Why its figures do not count; empty if they do.
    """

    cpu: float
    lag_ms: float
    late_ms: float
    n_unsent: int
    cpus: tuple[int, ...]
    faults: tuple[str, ...]

    @property
    def is_fit(self) -> bool:
        """Whether its figures count."""
        return not self.faults


@dataclass
class Watch:
    """Watches this process from `start` to `stop`, from inside its event loop.

    Under gevent a thread is a greenlet and waits for its turn as the requests do; its delay is theirs.
    """

    cpu: list[float] = field(default_factory=list)
    lag_ms: list[float] = field(default_factory=list)
    _stopped: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._stopped = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what was seen stays."""
        self._stopped = True
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        since, used = time.perf_counter(), time.process_time()
        while not self._stopped:
            before = time.perf_counter()
            time.sleep(_TICK_S)
            now = time.perf_counter()
            self.lag_ms.append(max(0.0, now - before - _TICK_S) * 1000)
            if now - since >= _WINDOW_S:
                spent = time.process_time()
                self.cpu.append((spent - used) / (now - since))
                since, used = now, spent

    def fitness(self, late_ms: Sequence[float], n_unsent: int, bounds: Bounds) -> Fitness:
        """Judge what was seen.

        Args:
            late_ms: How late requests of open streams went out.
            n_unsent: Requests that were never sent.
            bounds: What it must stay within.
        """
        cpu = percentile(sorted(self.cpu), 0.95) if self.cpu else 0.0
        lag = percentile(sorted(self.lag_ms), 0.99) if self.lag_ms else 0.0
        late = percentile(sorted(late_ms), 0.99) if late_ms else 0.0
        checks = (
            (cpu > bounds.max_cpu, f"it used {cpu:.0%} of a core; at most {bounds.max_cpu:.0%}"),
            (lag > bounds.max_lag_ms, f"timers {lag:.0f} ms late; at most {bounds.max_lag_ms:.0f}"),
            (
                late > bounds.max_late_ms,
                f"requests {late:.0f} ms late; at most {bounds.max_late_ms:.0f}",
            ),
            (n_unsent > 0, f"{n_unsent} requests were not sent: too many unanswered"),
        )
        faults = tuple(text for is_fault, text in checks if is_fault)
        return Fitness(cpu, lag, late, n_unsent, tuple(sorted(os.sched_getaffinity(0))), faults)
