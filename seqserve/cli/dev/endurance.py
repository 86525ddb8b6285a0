"""`seqserve dev soak` and `seqserve dev chaos`: a server under load, and recovery from killed processes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import BundlesDir, UpdatePage
from seqserve.cli.reporting import conclude, reported


def soak(
    bundles: BundlesDir = Path("bundles"),
    minutes: Annotated[float, typer.Option(min=0.01, help="duration of the load")] = 10.0,
    clients: Annotated[int, typer.Option(min=1, help="clients for each task")] = 4,
    update: UpdatePage = None,
) -> None:
    """Serve under mixed load; exit with 1 if the memory of a process grows or a request fails."""
    from benchmarks.endurance.soak import Effort, soak_lines
    from benchmarks.endurance.soak import soak as run_soak

    with reported():
        found = run_soak(bundles, Effort(minutes, clients), {}, typer.echo)
    conclude("soak", soak_lines(found), update, found.faults())


def chaos(bundles: BundlesDir = Path("bundles"), update: UpdatePage = None) -> None:
    """Kill, stop and restart the processes of a server under load; exit with 1 if requests are lost or hang."""
    from benchmarks.endurance.chaos import chaos as run_chaos
    from benchmarks.endurance.chaos import chaos_lines, restarts

    with reported():
        found = [*run_chaos(bundles, {}, typer.echo), restarts(bundles, {})]
    faults = [f"{one.name}: {fault}" for one in found for fault in one.faults()]
    conclude("chaos", chaos_lines(found), update, faults)
