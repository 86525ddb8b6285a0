"""`seqserve soak` and `seqserve chaos`: a server under load for minutes, and one whose processes die."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.reporting import conclude, reported

Bundles = Annotated[Path, typer.Option(help="folder of bundles")]
Update = Annotated[Path | None, typer.Option(help="page whose table to replace")]


def soak(
    bundles: Bundles = Path("bundles"),
    minutes: Annotated[float, typer.Option(min=0.01, help="of load")] = 10.0,
    clients: Annotated[int, typer.Option(min=1, help="for each task")] = 4,
    update: Update = None,
) -> None:
    """Serve under mixed load and see whether any process grows; 1 if one does, or a request fails."""
    from benchmarks.endurance.soak import Effort, soak_lines
    from benchmarks.endurance.soak import soak as run_soak

    with reported():
        found = run_soak(bundles, Effort(minutes, clients), {}, typer.echo)
    conclude("soak", soak_lines(found), update, found.faults())


def chaos(bundles: Bundles = Path("bundles"), update: Update = None) -> None:
    """Kill, stop and restart the processes of a server under load; 1 if anything is lost or hangs."""
    from benchmarks.endurance.chaos import chaos as run_chaos
    from benchmarks.endurance.chaos import chaos_lines, restarts

    with reported():
        found = [*run_chaos(bundles, {}, typer.echo), restarts(bundles, {})]
    faults = [f"{one.name}: {fault}" for one in found for fault in one.faults()]
    conclude("chaos", chaos_lines(found), update, faults)
