"""The server's own metrics during a run: pages of /metrics, kept as text and parsed after the run.

Parsing a page takes milliseconds, which the generator does not have during a run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from loadtest.service import get

_TIMEOUT_S = 10.0
_KEPT = tuple(
    f"seqserve_{name}"
    for name in (
        "process_resident_memory_bytes", "process_cpu_seconds_total", "queue_texts",
        "batch_texts_sum", "batch_texts_count",
    )
)  # fmt: skip
Page = tuple[float, str]
"""When a page was requested, in seconds from the start of the run, and its lines that are used here."""
Values = Mapping[str, Mapping[str, float]]
"""Values by metric, then by task or process."""


@dataclass(frozen=True)
class Reading:
    """Values of one page and changes since the one before.

    Args:
        at_s: Time from the start of the run.
        queue_texts: Queued texts by task.
        batch_texts: Mean texts in a batch since the page before, by task; absent where there was no batch.
        memory_bytes: Resident memory by process.
        cpu_share: CPUs in use since the page before, by process.
    """

    at_s: float
    queue_texts: Mapping[str, float]
    batch_texts: Mapping[str, float]
    memory_bytes: Mapping[str, float]
    cpu_share: Mapping[str, float]


@dataclass
class Scraper:
    """Requests the page periodically, from `start` to `stop`.

    Args:
        url: Of the page.
        every_s: Period.
        headers: Of the request.
    """

    url: str
    every_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    failure: str = ""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, begin: float) -> None:
        """Start; pages are timed from `begin`, a value of `time.perf_counter`."""
        self._thread = threading.Thread(target=self._scrape, args=(begin,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Request the page a last time, and stop."""
        self._stopped.set()
        if self._thread:
            self._thread.join(2 * _TIMEOUT_S)

    def _scrape(self, begin: float) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopped.is_set()
            at_s = time.perf_counter() - begin
            try:
                status, page = get(self.url, self.headers, _TIMEOUT_S)
                if status != 200:
                    raise OSError(f"status {status}")
                self.pages.append((at_s, kept_lines(page.decode())))
            except OSError as error:
                self.failure = f"{self.url}: {error}"
            self._stopped.wait(self.every_s)


def kept_lines(page: str) -> str:
    """Filter the lines that are used here, with their types."""
    kept = (line for line in page.splitlines() if line.removeprefix("# TYPE ").startswith(_KEPT))
    return "\n".join(kept) + "\n"


def readings_of(pages: Sequence[Page]) -> list[Reading]:
    """Parse pages in their order; the first has no changes."""
    read = [(at_s, _values(text)) for at_s, text in pages]
    return [_reading(before, now) for before, now in pairwise([*read[:1], *read])]


def _values(page: str) -> Values:
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            label = sample.labels.get("task") or sample.labels.get("process") or ""
            found.setdefault(sample.name.removeprefix("seqserve_"), {})[label] = sample.value
    return found


def _reading(before: tuple[float, Values], now: tuple[float, Values]) -> Reading:
    (was_at, old), (at_s, new) = before, now
    texts, batches = (_increase(old, new, f"batch_texts_{what}") for what in ("sum", "count"))
    cpu = _increase(old, new, "process_cpu_seconds_total")
    seconds = at_s - was_at
    return Reading(
        at_s=at_s,
        queue_texts=new.get("queue_texts", {}),
        batch_texts={task: texts[task] / n for task, n in batches.items() if n > 0},
        memory_bytes=new.get("process_resident_memory_bytes", {}),
        cpu_share={name: used / seconds for name, used in cpu.items()} if seconds > 0 else {},
    )


def _increase(old: Values, new: Values, name: str) -> dict[str, float]:
    """Return the increase of counters; one that was reset has counted from 0."""
    was = old.get(name, {})
    return {
        label: value - was.get(label, 0.0) if value >= was.get(label, 0.0) else value
        for label, value in new.get(name, {}).items()
    }
