"""`seqserve soak` and `seqserve chaos`: a server under load for minutes, and one whose processes die."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.reporting import conclude, reported

Bundles = Annotated[Path, typer.Option(help="folder of bundles")]
Update = Annotated[Path | None, typer.Option(help="page whose table to replace")]


def soak(
    bundles: Bundles = Path("bundles"),
    minutes: Annotated[float, typer.Option(min=0.01, help="of load")] = 10.0,
    rate: Annotated[float, typer.Option(min=0.1, help="requests per second")] = 30.0,
    update: Update = None,
) -> None:
    """Serve under the load profile `soak`, and check that nothing grows or fails; else exit code 1."""
    from benchmarks.endurance.soak import soak as run_soak
    from benchmarks.endurance.soak import soak_lines

    with reported():
        found = run_soak(bundles, minutes, rate, {}, typer.echo)
    failed = [*map(str, found.failed), *found.fitness.faults]
    conclude("soak", soak_lines(found), update, failed)


def chaos(bundles: Bundles = Path("bundles"), update: Update = None) -> None:
    """Kill, suspend and restart processes under load; exit code 1 if requests are lost or hang."""
    from benchmarks.endurance.chaos import chaos as run_chaos
    from benchmarks.endurance.chaos import chaos_lines, restarts

    with reported():
        found = [*run_chaos(bundles, {}, typer.echo), restarts(bundles, {})]
    problems = [f"{one.name}: {problem}" for one in found for problem in one.problems()]
    conclude("chaos", chaos_lines(found), update, problems)
