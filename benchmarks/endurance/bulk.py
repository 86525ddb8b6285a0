"""`seqserve predict` on a large file: how fast it is, and whether its memory stays flat.

The file is made here, the same for the same seed and size. With `null` engines that compute nothing, what is
measured is reading, cutting, sending and writing: a gigabyte takes minutes then, and hours with a model.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.http.null import FACTORY, write_bundles
from benchmarks.tools.machine import describe_machine
from seqserve.errors import DataError

MAX_GROWTH = 0.05
_SAMPLE_S = 0.25
_WARM, _EARLY, _LATE = 0.1, 0.3, 0.7  # shares of the time
_TEXT = """
the a of to and in was for on that with his her they said film story Ann London Google Paris quiet funny deeply
return number days integer file name list value when opens closes delivers
"""
_WORDS = tuple(re.findall(r"\w+", _TEXT))
_MEAN_WORDS = 18
_LONGEST_BYTES = 10_000  # of a line, and more


@dataclass(frozen=True)
class Job:
    """What is run.

    Args:
        task: `ner`, `sentiment` or `translate`.
        megabytes: Of the input.
        workers: Processes that answer; None: the default.
        bundles: Folder of bundles; None: null engines.
        seconds: After which it is stopped, if it has not ended.
    """

    task: str
    megabytes: int
    workers: int | None
    bundles: Path | None
    seconds: float


@dataclass
class Found:
    """What was seen.

    Args:
        input_bytes: Of the file.
        samples: Seconds since the start, resident bytes of the first process, and of the largest worker.
        seconds: Until the end.
        n_rows: Of the output.
        is_whole: Whether it ended by itself.
    """

    input_bytes: int
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    seconds: float = 0.0
    n_rows: int = 0
    is_whole: bool = False

    def peaks_mib(self, column: int) -> tuple[float, float]:
        """Peak resident memory of column 1 or 2 early, when everything has been used, and late.

        Raises:
            DataError: It was over before anything could be seen.
        """
        shares = [
            (sample[0] / self.seconds, sample[column] / 2**20)
            for sample in self.samples
            if sample[column]  # a worker that has not begun has none
        ]
        early = [mib for share, mib in shares if _WARM <= share < _EARLY]
        late = [mib for share, mib in shares if share >= _LATE]
        if not (early and late):
            raise DataError(
                f"{self.seconds:.1f} s are too short to see memory grow: more --megabytes"
            )
        return max(early), max(late)


def write_input(path: Path, n_bytes: int, seed: int = 0) -> int:
    """Write lines of words, about `_MEAN_WORDS` each, now and then a page; gives the bytes: a little less."""
    rng = random.Random(seed)
    block = []
    for _ in range(20_000):
        n_words = (
            40 * _MEAN_WORDS if rng.random() < 0.002 else 1 + int(rng.expovariate(1 / _MEAN_WORDS))
        )
        block.append(" ".join(rng.choices(_WORDS, k=n_words)))
    written = 0
    with path.open("wb") as file:
        while n_bytes - written > _LONGEST_BYTES:
            number = str(written)  # so that no two blocks are the same
            rng.shuffle(block)
            raw = "".join(f"{line} {number}.\n" for line in block).encode()
            written += file.write(raw[: raw.rindex(b"\n", 0, n_bytes - written) + 1])
    return written


def measure(job: Job, scratch: Path, say: Callable[[str], None]) -> Found:
    """Make the file, run the command on it and watch its memory.

    Raises:
        DataError: The command failed.
    """
    source, out = scratch / "in.txt", scratch / "out.jsonl"
    found = Found(write_input(source, job.megabytes * 1_000_000))
    environment = dict(os.environ)
    if job.bundles is None:
        environment["SEQSERVE_ENGINE_FACTORY"] = FACTORY
    bundles = job.bundles or write_bundles(scratch / "bundles")
    words = ["predict", job.task, str(source), "--out", str(out), "--bundles", str(bundles)]
    words += ["--workers", str(job.workers)] if job.workers else []
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "seqserve.cli", *words], env=environment)
    try:
        for sample in _watched(process, started):
            found.samples.append(sample)
            if sample[0] > job.seconds:
                process.send_signal(signal.SIGINT)
                break
        status = process.wait(60)
    finally:
        process.kill()
    found.seconds = time.monotonic() - started
    found.is_whole = status == 0
    if status not in (0, 130):
        raise DataError(f"seqserve predict ended with {status}")
    with out.open("rb") as file:
        found.n_rows = sum(1 for _ in file)
    machine = describe_machine(tools=())
    say(f"{machine.cpu}, {machine.cores} CPUs, Python {machine.python}")
    return found


def _watched(process: subprocess.Popen[bytes], started: float) -> Iterator[tuple[float, int, int]]:
    """Look at the memory until the process has ended."""
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            workers = [child.memory_info().rss for child in watched.children(recursive=True)]
            resident = watched.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        yield time.monotonic() - started, resident, max(workers, default=0)
        time.sleep(_SAMPLE_S)


def faults(found: Found) -> list[str]:
    """What is not as it should be: a process that grew."""
    grown = []
    for name, column in (("the reader", 1), ("a worker", 2)):
        early, late = found.peaks_mib(column)
        if late > early * (1 + MAX_GROWTH):
            grown.append(f"{name} grew from {early:.0f} to {late:.0f} MiB")
    return grown


def lines_of(job: Job, found: Found) -> list[str]:
    """Give the figures as a table, for docs/cli.md."""
    engines = "null engines" if job.bundles is None else "shipped bundle"
    end = "" if found.is_whole else f", stopped after {found.seconds:.0f} s"
    rows = [
        f"| {name} | {early:.0f} | {late:.0f} |"
        for name, column in (("reader and writer", 1), ("largest worker", 2))
        for early, late in [found.peaks_mib(column)]
    ]
    return [
        f"{job.task}, {found.input_bytes / 1e6:.0f} MB, {engines}{end}: {found.n_rows:,} texts in "
        f"{found.seconds:.0f} s, {found.n_rows / found.seconds:,.0f} a second",
        "",
        "| process | peak resident MiB, early | late |",
        "|---|---|---|",
        *rows,
    ]
