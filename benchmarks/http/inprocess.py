"""The runtime without the server, on the same texts."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.http.rounds import Turn
from benchmarks.tools.child import run_child
from benchmarks.tools.cores import Cpus, started_on
from seqserve.bundle import Bundle
from seqserve.config import from_mapping
from seqserve.runtime import open_engine
from seqserve.tasks import TASKS

CALLS = (16, 32, 128, 1024)
"""Texts in a call that are tried; the fastest is what the server is measured against."""


def time_runtime(
    bundle: Bundle, texts: list[str], n_texts: int, seconds: float, cpus: Cpus
) -> Turn:
    """Give the times per text of an engine in a fresh process, in calls of `n_texts`."""
    arguments = {
        "bundle": str(bundle.path),
        "texts": texts,
        "n_texts": n_texts,
        "seconds": seconds,
    }
    with started_on(cpus):
        found = run_child("benchmarks.http.inprocess:time_calls", arguments)
    return from_mapping(Turn, found, "runtime")


def best_call(bundle: Bundle, texts: list[str], seconds: float, cpus: Cpus) -> int:
    """Give the size of a call that takes least CPU time per text."""
    fitting = [n for n in CALLS if n <= len(texts)] or [len(texts)]
    return min(fitting, key=lambda n: time_runtime(bundle, texts, n, seconds, cpus).cpu_ms)


def time_calls(bundle: str, texts: list[str], n_texts: int, seconds: float) -> dict[str, Any]:
    """In a child: answer all texts again and again, and give the `Turn` per text."""
    engine = open_engine(Path(bundle))
    item = TASKS[engine.bundle.manifest.task].item
    calls = [[item(t) for t in texts[i : i + n_texts]] for i in range(0, len(texts), n_texts)]
    engine.predict(calls[0])
    wall, cpu, n_passes = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - wall < seconds:
        for call in calls:
            engine.predict(call)
        n_passes += 1
    cpu_ms, wall_ms = (time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000
    n_answered = n_passes * len(texts)
    return asdict(Turn(cpu_ms / n_answered, wall_ms / n_answered))
