"""`seqserve predict` on a large generated file: its speed, and whether its memory stays flat.

With null engines, which compute nothing, this measures reading, cutting, sending and writing: a gigabyte then
takes minutes, and hours with a model.
"""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.http.null import SETTINGS, write_bundles
from loadtest.objectives import memory_growth
from loadtest.readings import Reading
from loadtest.texts import FOLDER
from seqserve.errors import DataError
from seqserve.evaluation.markdown import table_lines

MAX_GROWTH = 0.05
_SAMPLE_S = 0.25
PROCESSES = ("reader and writer", "largest worker")
_N_LINES, _MEAN_WORDS = 20_000, 18


@dataclass(frozen=True)
class BulkRun:
    """A run of the command.

    Args:
        task: `ner`, `sentiment` or `translate`.
        megabytes: Of the input.
        bundles: Folder of bundles; None: null engines.
        seconds: After which it is stopped.
    """

    task: str
    megabytes: int
    bundles: Path | None
    seconds: float


@dataclass
class BulkResult:
    """What was measured.

    Args:
        input_bytes: Of the file.
        readings: Memory of the reader and writer, and of the largest worker.
        seconds: Duration.
        n_rows: Of the output.
        is_complete: Whether it ended by itself.
    """

    input_bytes: int
    readings: list[Reading] = field(default_factory=list)
    seconds: float = 0.0
    n_rows: int = 0
    is_complete: bool = False

    def memory(self) -> dict[str, tuple[float, float]]:
        """Return the resident MiB of each process in the fourth tenth of the run and in the last.

        Raises:
            DataError: The run was too short.
        """
        found = memory_growth(self.readings, self.seconds)
        sizes = {name: (warm / 2**20, end / 2**20) for name, (warm, end) in found.items()}
        if len(sizes) < len(PROCESSES) or any(math.isnan(sum(pair)) for pair in sizes.values()):
            raise DataError(
                f"{self.seconds:.1f} s are too short to see memory grow: more --megabytes"
            )
        return sizes


def write_input(path: Path, n_bytes: int, seed: int = 0) -> int:
    """Write numbered lines of random words, some of them a page long; return the bytes written."""
    rng, written = random.Random(seed), 0
    words = (FOLDER / "ner.txt").read_text(encoding="utf-8").split()
    lengths = [1 + int(rng.expovariate(1 / _MEAN_WORDS)) for _ in range(_N_LINES)]
    lengths[:: _N_LINES // 40] = [40 * _MEAN_WORDS] * 40
    block = [" ".join(rng.choices(words, k=n)) for n in lengths]
    with path.open("wb") as file:
        while written < n_bytes:
            rng.shuffle(block)
            lines = (f"{line} {written}.\n" for line in block)  # no two blocks are the same
            raw = "".join(lines).encode()
            end = raw.find(b"\n", n_bytes - written) + 1
            written += file.write(raw[:end] if end else raw)
    return written


def measure(run: BulkRun, scratch: Path) -> BulkResult:
    """Generate the file, run the command on it and sample its memory.

    Raises:
        DataError: The command failed.
    """
    source, out = scratch / "in.txt", scratch / "out.jsonl"
    found = BulkResult(write_input(source, run.megabytes * 1_000_000))
    environment = dict(os.environ)
    if run.bundles is None:
        environment |= SETTINGS
    bundles = run.bundles or write_bundles(scratch / "bundles")
    words = ["predict", run.task, str(source), "--out", str(out), "--bundles", str(bundles)]
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "seqserve.cli", *words], env=environment)
    try:
        for reading in _watched(process, started):
            found.readings.append(reading)
            if reading.at_s > run.seconds:
                process.send_signal(signal.SIGINT)
                break
        status = process.wait(60)
    finally:
        process.kill()
    found.seconds, found.is_complete = time.monotonic() - started, status == 0
    if status not in (0, 130):
        raise DataError(f"seqserve predict ended with {status}")
    with out.open("rb") as file:
        found.n_rows = sum(1 for _ in file)
    return found


def _watched(process: subprocess.Popen[bytes], started: float) -> Iterator[Reading]:
    """Sample the memory until the process has ended."""
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            workers = [child.memory_info().rss for child in watched.children(recursive=True)]
            memory = {PROCESSES[0]: float(watched.memory_info().rss)}
        except psutil.NoSuchProcess:
            continue
        if workers:
            memory[PROCESSES[1]] = float(max(workers))
        yield Reading(time.monotonic() - started, {}, {}, memory, {})
        time.sleep(_SAMPLE_S)


def growth_of(found: BulkResult) -> list[str]:
    """List the processes that grew."""
    return [
        f"{name} grew from {warm:.0f} to {end:.0f} MiB"
        for name, (warm, end) in found.memory().items()
        if end > warm * (1 + MAX_GROWTH)
    ]


def lines_of(run: BulkRun, found: BulkResult) -> list[str]:
    """Format the result as a table, for docs/cli.md."""
    engines = "null engines" if run.bundles is None else "shipped bundle"
    end = "" if found.is_complete else f", stopped after {found.seconds:.0f} s"
    memory = ((name, *(f"{mib:.0f}" for mib in pair)) for name, pair in found.memory().items())
    return [
        f"{run.task}, {found.input_bytes / 1e6:.0f} MB, {engines}{end}: {found.n_rows:,} texts in "
        f"{found.seconds:.0f} s, {found.n_rows / found.seconds:,.0f} a second",
        "",
        *table_lines(("process", "resident MiB, fourth tenth", "last tenth"), memory),
    ]
