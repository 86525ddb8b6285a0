"""Whether memory stays flat: the profile `soak` of loadtest against a server started for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.tools.served import our_server
from benchmarks.tools.tables import CHECKED, checked
from loadtest.metrics import ALL
from loadtest.objectives import memory_growth, read_objectives
from loadtest.profiles import read_profiles
from loadtest.record import Record
from loadtest.run import Report, Run
from loadtest.service import Service
from loadtest.targets import Target
from seqserve.evaluation.markdown import table_lines

PROFILE = "soak"


def soak(
    bundles: Path, minutes: float, rate: float, settings: Mapping[str, str], report: Report
) -> Record:
    """Serve bundles under the load of the profile.

    Args:
        bundles: Folder of bundles.
        minutes: Duration.
        rate: Requests per second.
        settings: `SEQSERVE_…` variables of the server.
        report: Receives lines about the progress.

    Raises:
        ServerFailed: The server did not become ready.
    """
    profile = read_profiles()[PROFILE].at_rate(rate).lasting(minutes * 60)
    profile = replace(profile, metrics_every_s=min(profile.metrics_every_s, minutes))
    with TemporaryDirectory() as folder, our_server(bundles, Path(folder), settings) as server:
        service = Service(server.base_url)
        return Run(PROFILE, profile, read_objectives(PROFILE), service, report=report).record()


def soak_lines(record: Record) -> Iterator[str]:
    """Format memory and outcomes as Markdown."""
    machine, (phase,) = record.machine, record.phases
    limit = read_objectives(PROFILE).limits.memory_growth
    yield (
        f"{record.seconds / 60:g} minutes, {phase.routes[ALL].offered_per_s:.0f} requests per second, on "
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB. Resident memory in MiB, medians "
        "over the fourth tenth of the time, when everything has been used, and over the last."
    )
    yield ""
    target = None if limit is None else Target(limit, form=".0%")
    yield from table_lines(
        ("process", "warm", "end", "growth", *CHECKED),
        (
            (
                *(name, f"{warm / 2**20:.1f}", f"{end / 2**20:.1f}"),
                *(f"{end / warm - 1:+.1%}", *checked(target, end / warm - 1)),
            )
            for name, (warm, end) in memory_growth(record.readings, record.seconds).items()
        ),
    )
    yield ""
    yield from table_lines(
        ("route", "requests", "statuses"),
        (
            (route, of.n, ", ".join(f"{status}: {n}" for status, n in of.statuses.items()))
            for route, of in phase.routes.items()
            if route != ALL
        ),
    )
