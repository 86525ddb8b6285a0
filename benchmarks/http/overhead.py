"""CPU time per request of the server on engines that compute nothing, beside a minimal server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.http import null
from benchmarks.http.load import Clients, Observation, requests_of
from benchmarks.http.servers import bare_server, model_server
from benchmarks.http.size import HttpSize
from benchmarks.tools.cores import split_cores
from benchmarks.tools.served import Server
from benchmarks.tools.timing import Comparison, Sample, Side
from benchmarks.tools.workspace import Report, Workspace
from seqserve.tasks import SHIPPED, Task

BARE = "bare"
N_CLIENTS = 64


@dataclass(frozen=True)
class UnitCost:
    """CPU time of all processes and wall time per unit of work, in ms."""

    cpu_ms: float
    wall_ms: float


def cost_of(server: Server, load: Callable[[], Observation], n_units: int = 1) -> UnitCost:
    """Measure the cost of a load.

    Args:
        server: Its CPU time is read before and after, what it does between requests included.
        load: Runs the load.
        n_units: Units of work in a request.
    """
    before_s = server.cpu_s()
    found = load()
    cpu_ms = (server.cpu_s() - before_s) * 1000 / (found.n_answered * n_units)
    return UnitCost(cpu_ms, 1000 / (found.per_s * n_units))


def comparison_of(costs: Mapping[str, Sequence[UnitCost]]) -> Comparison:
    """Combine the costs of all sides, one of each per round."""
    sides = {}
    for name, of in costs.items():
        cpu, wall = tuple(c.cpu_ms for c in of), tuple(c.wall_ms for c in of)
        sides[name] = Side(Sample(min(cpu), cpu), Sample(min(wall), wall))
    return Comparison(1, sides)


def cpu_in_words(task: Task, comparison: Comparison) -> str:
    """Return the CPU times of all sides."""
    sides = comparison.sides.items()
    return f"{task}: " + ", ".join(f"{name} {side.cpu.best_ms:.3f} ms" for name, side in sides)


@dataclass(frozen=True)
class TaskOverhead:
    """One route: times per request of `bare`, `embedded` and `runners`."""

    task: Task
    comparison: Comparison


def measure_overhead(space: Workspace, size: HttpSize, report: Report) -> tuple[TaskOverhead, ...]:
    """Put the three servers under the same load, alternating; all of them run on one CPU."""
    cores, bundles = split_cores(), null.write_bundles(space.scratch / "null")
    clients, lines = Clients(cores.load, space.seed), []
    where = (bundles, space.scratch, cores.served)
    with ExitStack() as running:
        servers = {
            BARE: bare_server(*where),
            "embedded": model_server(*where, "embedded", null.SETTINGS),
            "runners": model_server(*where, "runners", null.SETTINGS),
        }
        for server in servers.values():
            running.enter_context(server)
        for task in SHIPPED:
            costs: dict[str, list[UnitCost]] = {name: [] for name in servers}
            requests, how = requests_of(task, [null.TEXT]), (size.overhead_s, size.warm_up_s / 10)
            for _ in range(size.overhead_rounds):
                for name, server in servers.items():
                    load = partial(clients.saturate, server, requests, N_CLIENTS, *how)
                    costs[name].append(cost_of(server, load))
            lines.append(TaskOverhead(task, comparison_of(costs)))
            report(cpu_in_words(task, lines[-1].comparison))
    return tuple(lines)
