"""Does memory stay flat? A server under mixed load for minutes, and the memory of each of its processes.

The figures are those that operators see: `seqserve_process_resident_memory_bytes` on `/metrics`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.endurance.mixed_load import Outcomes, Texts, send_load
from benchmarks.tools.machine import describe_machine
from benchmarks.tools.served import our_server
from seqserve.bundle import load_bundle
from seqserve.errors import BundleError, DataError
from seqserve.evaluation.markdown import table_lines
from seqserve.tasks import Task

MAX_DRIFT = 0.05
_MEMORY = "seqserve_process_resident_memory_bytes"
_WARM, _WINDOW = 0.3, 0.1  # shares of the time: minute 3 of 10, and how long a reading lasts
_N_SAMPLES, _SAY_EVERY = 120, 12


@dataclass(frozen=True)
class Effort:
    """How long and how hard.

    Args:
        minutes: Of load.
        clients: For each task, each with one request in flight.
        seed: Of the texts.
    """

    minutes: float = 10.0
    clients: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Drift:
    """Resident memory of one process, in MiB: medians over a tenth of the time.

    Args:
        warm: From 3 tenths of the time on, when everything has been used.
        end: In the last tenth.
        peak: The most that was seen.
    """

    warm: float
    end: float
    peak: float

    @property
    def share(self) -> float:
        """What the process grew by, of what it had when it was warm."""
        return self.end / self.warm - 1


@dataclass
class Soak:
    """What was found.

    Args:
        effort: How long and how hard.
        samples: Seconds since the start of the load, and resident bytes by process.
        outcomes: Of the requests.
    """

    effort: Effort
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    outcomes: Outcomes = field(default_factory=Outcomes)

    def drifts(self) -> dict[str, Drift]:
        """By process."""
        seconds = self.effort.minutes * 60
        names = sorted({name for _, resident in self.samples for name in resident})
        return {name: self._drift(name, seconds) for name in names}

    def _drift(self, name: str, seconds: float) -> Drift:
        seen = [(at / seconds, found[name] / 2**20) for at, found in self.samples if name in found]
        warm = [mib for share, mib in seen if _WARM <= share < _WARM + _WINDOW]
        end = [mib for share, mib in seen if share >= 1 - _WINDOW]
        if not (warm and end):
            raise DataError(f"the process {name} was not there all the time")
        return Drift(median(warm), median(end), max(mib for _, mib in seen))

    def faults(self) -> list[str]:
        """What is not as it should be: growth, and requests that nobody gave up and that failed."""
        grown = [
            f"{name} grew by {drift.share:.1%}"
            for name, drift in self.drifts().items()
            if drift.share >= MAX_DRIFT
        ]
        failed = [
            f"{task}: {n} x {outcome}"
            for task, counts in self.outcomes.by_task.items()
            for outcome, n in counts.items()
            if outcome not in {"200", "hung_up"}
        ]
        return grown + failed


def supplies_of(bundles: Path, seed: int) -> list[Texts]:
    """Texts for every task that a folder has a bundle of, made from golden cases.

    Raises:
        BundleError: there is no bundle, one is damaged, or one has no golden cases.
    """
    words: dict[Task, list[str]] = {}
    for path in sorted(bundles.glob("*/manifest.json")):
        bundle = load_bundle(path.parent)
        texts = [case["input"]["text"] for case in bundle.golden()]
        words.setdefault(bundle.manifest.task, []).extend(" ".join(texts).split())
    if not words:
        raise BundleError(f"{bundles} holds no bundle: export one first")
    return [
        Texts(task, found, random.Random(seed + i)) for i, (task, found) in enumerate(words.items())
    ]


def soak(
    bundles: Path,
    effort: Effort,
    settings: Mapping[str, str],
    say: Callable[[str], None] = lambda line: None,
) -> Soak:
    """Serves the bundles, sends load, and reads the memory of every process.

    Args:
        bundles: What is served.
        effort: How long and how hard.
        settings: `SEQSERVE_…` variables of the server.
        say: Told how it goes.

    Raises:
        ServerFailed: the server did not become ready.
        DataError: a process was not there all the time.
    """
    found = Soak(effort)
    supplies = supplies_of(bundles, effort.seed)
    with TemporaryDirectory() as folder, our_server(bundles, Path(folder), settings) as server:
        asyncio.run(_watch(server.base_url, supplies, found, say))
    found.drifts()
    return found


async def _watch(
    base_url: str, supplies: Sequence[Texts], found: Soak, say: Callable[[str], None]
) -> None:
    loop = asyncio.get_running_loop()
    start, seconds = loop.time(), found.effort.minutes * 60
    until = start + seconds
    load = asyncio.create_task(
        send_load(base_url, supplies, found.effort.clients, until, found.outcomes)
    )
    async with httpx.AsyncClient(base_url=base_url, timeout=30, trust_env=False) as client:
        while (at := loop.time()) < until:
            resident = memory_of((await client.get("/metrics")).text)
            found.samples.append((at - start, resident))
            if len(found.samples) % _SAY_EVERY == 0:
                shown = ", ".join(f"{name} {size / 2**20:.0f}" for name, size in resident.items())
                say(f"{at - start:.0f} s: {shown} MiB")
            await asyncio.sleep(seconds / _N_SAMPLES)
    await load


def memory_of(page: str) -> dict[str, float]:
    """Resident bytes by process, from a page of metrics."""
    return {
        sample.labels["process"]: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == _MEMORY
    }


def soak_lines(found: Soak) -> Iterator[str]:
    """Give the figures as Markdown."""
    machine, effort = describe_machine(), found.effort
    yield (
        f"{effort.minutes:g} minutes, {effort.clients} clients a task, on {machine.cpu}, {machine.cores} "
        f"cores, {machine.memory_gib} GiB. Resident memory in MiB, medians over a tenth of the time; "
        f"warm is the tenth from minute {effort.minutes * _WARM:g} on. Growth must stay under {MAX_DRIFT:.0%}."
    )
    yield ""
    yield from table_lines(
        ("process", "warm", "end", "peak", "growth", "verdict"),
        (
            (
                *(name, f"{drift.warm:.1f}", f"{drift.end:.1f}", f"{drift.peak:.1f}"),
                *(f"{drift.share:+.1%}", "flat" if drift.share < MAX_DRIFT else "**grows**"),
            )
            for name, drift in found.drifts().items()
        ),
    )
    yield ""
    yield from table_lines(
        ("task", "requests", "outcomes"),
        (
            (task, counts.total(), _in_words(counts))
            for task, counts in sorted(found.outcomes.by_task.items())
        ),
    )


def _in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{outcome}: {n}" for outcome, n in counts.most_common())
