"""Turns of servers under load, as times per unit of work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.http.load import Seen
from benchmarks.tools.served import Server
from benchmarks.tools.timing import Comparison, Sample, Side


@dataclass(frozen=True)
class Turn:
    """What one side took in one turn.

    Args:
        cpu_ms: CPU time per unit of work, of all its processes.
        wall_ms: Time per unit of work.
    """

    cpu_ms: float
    wall_ms: float


def turn_of(server: Server, load: Callable[[], Seen], n_units: int = 1) -> Turn:
    """Put a server under load.

    Args:
        server: Whose CPU time is read before and after, what it does between requests included.
        load: Runs the load.
        n_units: Units of work in a request.
    """
    before_s = server.cpu_s()
    seen = load()
    cpu_ms = (server.cpu_s() - before_s) * 1000 / (seen.n_answered * n_units)
    return Turn(cpu_ms, 1000 / (seen.per_s * n_units))


def comparison_of(turns: Mapping[str, Sequence[Turn]]) -> Comparison:
    """Put the turns of all sides together, one of each per round."""
    sides = {
        name: Side(_sample(t.cpu_ms for t in of), _sample(t.wall_ms for t in of))
        for name, of in turns.items()
    }
    return Comparison(1, sides)


def _sample(values: Iterable[float]) -> Sample:
    times = tuple(values)
    return Sample(min(times), times)
