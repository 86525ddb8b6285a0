"""Startup time of the command line: `python -m benchmarks.startup` prints CPU and wall time.

The target for `seqserve --help` is at most 0.3 s of CPU.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from seqserve.tasks import TASKS

COMMAND = next(iter(TASKS.values())).command
LINES: tuple[tuple[str, ...], ...] = (("--help",), ("predict", COMMAND, "--help"), ("models",))
_ROUNDS = 10


def cost(words: Sequence[str]) -> tuple[float, float]:
    """Run the command once; return seconds of CPU and of wall time."""
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "seqserve.cli", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return cpu, time.perf_counter() - started


def main() -> None:
    """Print the medians; the commands alternate."""
    rounds = [[cost(words) for words in LINES] for _ in range(_ROUNDS)]
    for words, costs in zip(LINES, zip(*rounds, strict=True), strict=True):
        cpu, wall = (median(column) for column in zip(*costs, strict=True))
        print(f"seqserve {' '.join(words)}: {cpu:.2f} s CPU, {wall:.2f} s")


if __name__ == "__main__":
    main()
