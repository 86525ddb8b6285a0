"""`seqserve dev soak`, `chaos` and `footprint`: a server under load, under faults, and its memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqserve.cli.options import BundlesDir, UpdatePage
from seqserve.cli.reporting import conclude, reported


def soak(
    bundles: BundlesDir = Path("bundles"),
    minutes: Annotated[float, typer.Option(min=0.01, help="duration of the load")] = 10.0,
    rate: Annotated[float, typer.Option(min=0.1, help="requests per second")] = 30.0,
    update: UpdatePage = None,
) -> None:
    """Serve under the load profile soak; exit with 1 if the memory of a process grows or a request fails."""
    from benchmarks.endurance.soak import soak as run_soak
    from benchmarks.endurance.soak import soak_lines
    from loadtest.record import EXIT_CODES

    with reported():
        found = run_soak(bundles, minutes, rate, {}, typer.echo)
    failed = [*map(str, found.failed), *found.fitness.faults]
    if not failed and EXIT_CODES[found.verdict]:
        failed = [found.sentence]
    conclude("soak", soak_lines(found), update, failed)


def chaos(bundles: BundlesDir = Path("bundles"), update: UpdatePage = None) -> None:
    """Inject faults under load, misuse and overload a server; exit with 1 if requests are lost or hang."""
    from benchmarks.endurance.chaos import chaos as run_chaos
    from benchmarks.endurance.chaos import chaos_lines
    from benchmarks.endurance.overload import overload, overload_lines

    with reported():
        found = run_chaos(bundles, {}, typer.echo)
        overloaded = overload(bundles, {})
    problems = [f"{one.fault.name}: {problem}" for one in found for problem in one.problems()]
    lines = [*chaos_lines(found), "", *overload_lines(overloaded)]
    conclude("chaos", iter(lines), update, problems + overloaded.problems())


def footprint(bundles: BundlesDir = Path("bundles"), update: UpdatePage = None) -> None:
    """Measure the memory of each process of a server, of a connection, and of a request."""
    from benchmarks.endurance.footprint import footprint as measure
    from benchmarks.endurance.footprint import footprint_lines

    with reported():
        found = measure(bundles, {})
    conclude("footprint", footprint_lines(found), update, [])
