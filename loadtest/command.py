"""Command line: run a profile, list profiles.

Exit codes: 0 objectives met; 1 a target was missed; 2 the command line, a file or the service does not allow
a run; 3 the generator was busy, so the results do not count; 4 there were too few requests to check any target.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from loadtest import objectives, profiles
from loadtest.bodies import ROUTES
from loadtest.config import LoadTestError
from loadtest.generator import read_bounds
from loadtest.profiles import Profile, read_profiles
from loadtest.record import EXIT_CODES, Record
from loadtest.report import report_page
from loadtest.run import Run
from loadtest.service import Service, key_of_environment
from seqserve.errors import SeqserveError

PAGE = "report.html"
UNFIT = 2

_say = partial(print, flush=True)


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    reads = argparse.ArgumentParser(prog="python -m loadtest", description=__doc__)
    commands = reads.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="send the traffic of a profile and check the targets")
    run.add_argument("profile", help="such as smoke; `list` shows all")
    run.add_argument("--host", default="http://127.0.0.1:3000", help="base URL of the service")
    run.add_argument("--metrics-url", default="", help="if /metrics is on another port")
    run.add_argument(
        "--task", choices=list(ROUTES), help="only this task or app instead of the mix"
    )
    run.add_argument(
        "--rate", type=_above_0, help="requests/s of open streams; a search begins there"
    )
    run.add_argument("--seconds", type=_above_0, help="length of all phases together, or of a step")
    run.add_argument("--seed", type=int, default=0, help="random seed of texts and arrivals")
    run.add_argument("--profiles", type=Path, default=profiles.FILE, help="TOML file")
    run.add_argument("--objectives", type=Path, default=objectives.FILE, help="TOML file")
    run.add_argument(
        "--out",
        type=Path,
        default=Path("runs/load"),
        help="folder for the reports; each run gets a folder in it",
    )
    listing = commands.add_parser("list", help="show all profiles")
    listing.add_argument("--profiles", type=Path, default=profiles.FILE, help="TOML file")
    return reads


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the command line; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        return {"run": _run, "list": _list}[options.command](options)
    except SeqserveError as error:
        _say(f"loadtest: {error}")
        return UNFIT


def chosen_profile(options: argparse.Namespace) -> Profile:
    """Return the profile that the command line names, with its changes.

    Raises:
        LoadTestError: There is none of that name, or it cannot be changed so.
    """
    known = read_profiles(options.profiles)
    if options.profile not in known:
        raise LoadTestError(f"no profile {options.profile!r}; known are {', '.join(known)}")
    chosen = known[options.profile]
    if options.task:
        chosen = chosen.of_task(options.task)
    if options.rate:
        chosen = chosen.at_rate(options.rate)
    if options.seconds:
        chosen = chosen.lasting(options.seconds)
    return chosen


def _run(options: argparse.Namespace) -> int:
    service = Service(options.host, key_of_environment(), options.metrics_url)
    wanted = objectives.read_objectives(options.profile, options.objectives)
    bounds, chosen = read_bounds(options.objectives), chosen_profile(options)
    record = Run(options.profile, chosen, wanted, service, options.seed, bounds, _say).record()
    folder = write_report(record, options.out)
    for line in (*record.notes, *record.failed, *record.fitness.faults):
        _say(line)
    _say(f"{record.sentence}\n{folder / PAGE}")
    return EXIT_CODES[record.verdict]


def write_report(record: Record, out: Path) -> Path:
    """Write the record and its page into a new folder."""
    folder = out / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{record.name}"
    folder.mkdir(parents=True)
    record.write(folder)
    (folder / PAGE).write_text(report_page(record), encoding="utf-8")
    return folder


def _list(options: argparse.Namespace) -> int:
    for name, profile in read_profiles(options.profiles).items():
        _say(f"{name:8} {profile.seconds:5.0f} s  {profile.about}")
    return 0


def _above_0(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
