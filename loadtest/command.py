"""The command line: run a profile, list them, compare two reports.

Exit codes: 0 objectives met; 1 an objective was missed; 2 the command line, a file or the server is not fit
for a run; 3 the generator was busy, so the figures do not count.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from loadtest import objectives, profiles
from loadtest.bodies import ROUTES
from loadtest.comparison import changes, comparison_page, differences, text_of
from loadtest.curves import charts_of
from loadtest.generator import read_bounds
from loadtest.judgement import missed_of
from loadtest.page import page_of
from loadtest.plots import require_matplotlib, write_plots
from loadtest.problems import LoadTestError
from loadtest.profiles import Profile, read_profiles
from loadtest.record import EXIT_CODES, Record, read_record
from loadtest.target import Target

KEY_VARIABLE = "LOADTEST_API_KEY"
PAGE = "report.html"
UNFIT = 2


def parser() -> argparse.ArgumentParser:
    """Give what reads the command line."""
    reads = argparse.ArgumentParser(prog="python -m loadtest", description=__doc__)
    commands = reads.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="send the traffic of a profile and judge it")
    run.add_argument("profile", help="such as smoke; `list` shows all")
    run.add_argument("--host", default="http://127.0.0.1:3000", help="base URL of the server")
    run.add_argument("--metrics-url", default="", help="if /metrics is on another port")
    run.add_argument("--task", choices=list(ROUTES), help="only this task instead of the mix")
    run.add_argument(
        "--rate", type=_above_0, help="requests/s of open streams; a search begins there"
    )
    run.add_argument("--seconds", type=_above_0, help="length of all phases together, or of a step")
    run.add_argument("--seed", type=int, default=0, help="of texts and arrivals")
    run.add_argument("--cpus", type=_cpus, help="processors of the generator, such as 1 or 2,3")
    run.add_argument("--profiles", type=Path, default=profiles.FILE, help="TOML")
    run.add_argument("--objectives", type=Path, default=objectives.FILE, help="TOML")
    run.add_argument("--out", type=Path, default=Path("runs/load"), help="gets a folder a run")
    run.add_argument("--plots", action="store_true", help="PNG beside the page; needs matplotlib")
    listing = commands.add_parser("list", help="show all profiles")
    listing.add_argument("--profiles", type=Path, default=profiles.FILE, help="TOML")
    compare = commands.add_parser("compare", help="what changed from one report to another")
    compare.add_argument("before", type=Path, help="folder or report.json")
    compare.add_argument("after", type=Path, help="folder or report.json")
    compare.add_argument("--out", type=Path, help="HTML file that gets the comparison")
    return reads


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; gives the exit code."""
    options = parser().parse_args(arguments)
    try:
        return {"run": _run, "list": _list, "compare": _compare}[options.command](options)
    except LoadTestError as error:
        print(f"loadtest: {error}")
        return UNFIT


def chosen_profile(options: argparse.Namespace) -> Profile:
    """Give the profile that the command line asks for, with what it changes.

    Raises:
        LoadTestError: There is none of that name, or it cannot be changed so.
    """
    known = read_profiles(options.profiles)
    if options.profile not in known:
        raise LoadTestError(f"no profile {options.profile!r}; known are {', '.join(known)}")
    chosen = known[options.profile]
    if options.task:
        chosen = chosen.asking(options.task)
    if options.rate:
        chosen = chosen.at_rate(options.rate)
    if options.seconds:
        chosen = chosen.lasting(options.seconds)
    return chosen


def pin(cpus: Sequence[int]) -> None:
    """Let this process use only some processors.

    Raises:
        LoadTestError: It may not use one of them.
    """
    allowed = os.sched_getaffinity(0)
    if unknown := sorted(set(cpus) - allowed):
        raise LoadTestError(
            f"there is no processor {unknown[0]} for us; there are {sorted(allowed)}"
        )
    os.sched_setaffinity(0, cpus)


def _run(options: argparse.Namespace) -> int:
    target = Target(options.host, os.environ.get(KEY_VARIABLE, ""), options.metrics_url)
    wanted = objectives.read_objectives(options.profile, options.objectives)
    bounds, chosen = read_bounds(options.objectives), chosen_profile(options)
    if options.plots:
        require_matplotlib()
    if options.cpus:
        pin(options.cpus)
    from loadtest.run import Run  # patches the standard library

    record = Run(options.profile, chosen, wanted, target, options.seed, bounds, _say).record()
    folder = write_report(record, options.out, with_plots=options.plots)
    for line in (*record.notes, *missed_of(record)):
        _say(line)
    _say(f"{record.verdict}; {folder / PAGE}")
    return EXIT_CODES[record.verdict]


def write_report(record: Record, out: Path, *, with_plots: bool = False) -> Path:
    """Write the record, its page and, if wanted, its plots into a new folder."""
    folder = out / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{record.name}"
    folder.mkdir(parents=True)
    record.write(folder)
    (folder / PAGE).write_text(page_of(record), encoding="utf-8")
    if with_plots:
        write_plots(charts_of(record), folder / "plots")
    return folder


def _list(options: argparse.Namespace) -> int:
    for name, profile in read_profiles(options.profiles).items():
        _say(f"{name:8} {profile.seconds:5.0f} s  {profile.about}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    before, after = read_record(options.before), read_record(options.after)
    found, other = changes(before, after), differences(before, after)
    _say(text_of(found, other))
    if options.out:
        page = comparison_page(before, after, found, other)
        options.out.write_text(page, encoding="utf-8")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _above_0(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _cpus(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]
