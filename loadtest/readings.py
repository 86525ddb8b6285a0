"""What the server says of itself under load: pages of /metrics, kept as they came and read afterwards.

Reading a page takes milliseconds, which the generator does not have during a run.
"""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S = 10.0
_KEPT = tuple(
    f"seqserve_{name}"
    for name in (
        "process_resident_memory_bytes", "process_cpu_seconds_total", "queue_texts", "calls_in_flight",
        "batch_texts_sum", "batch_texts_count",
    )
)  # fmt: skip
Values = Mapping[str, Mapping[str, float]]  # by metric, by its task or process


@dataclass(frozen=True)
class Page:
    """A page of metrics.

    Args:
        at_s: When it was asked for, from the begin of the run.
        text: The lines of it that matter here.
    """

    at_s: float
    text: str


@dataclass(frozen=True)
class Reading:
    """What one page and the one before it say.

    Args:
        at_s: When, from the begin of the run.
        queue_texts: Texts that wait, by task.
        batch_texts: Mean texts in a batch since the page before, by task; absent where there was no batch.
        calls_in_flight: Batches that engines have not answered, by task.
        memory_bytes: Resident memory by process.
        cpu_share: CPUs in use since the page before, by process.
    """

    at_s: float
    queue_texts: Mapping[str, float]
    batch_texts: Mapping[str, float]
    calls_in_flight: Mapping[str, float]
    memory_bytes: Mapping[str, float]
    cpu_share: Mapping[str, float]


@dataclass
class Scraper:
    """Asks for a page again and again, from `start` to `stop`.

    Args:
        url: Of the page.
        every_s: From one question to the next.
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
        """Begin; `begin` is the moment of `time.perf_counter` from which pages are timed."""
        self._thread = threading.Thread(target=self._scrape, args=(begin,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask once more, and end."""
        self._stopped.set()
        if self._thread:
            self._thread.join(2 * _TIMEOUT_S)

    def _scrape(self, begin: float) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopped.is_set()
            at_s = time.perf_counter() - begin
            try:
                self.pages.append(Page(at_s, kept_lines(self._page())))
            except (OSError, urllib.error.URLError) as error:
                self.failure = f"{self.url}: {error}"
            self._stopped.wait(self.every_s)

    def _page(self) -> str:
        request = urllib.request.Request(self.url, headers=dict(self.headers))
        with _opener().open(request, timeout=_TIMEOUT_S) as answer:
            page: bytes = answer.read()
        return page.decode()


def _opener() -> urllib.request.OpenerDirector:
    """Give what asks without a proxy: the server is at hand."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def kept_lines(page: str) -> str:
    """Leave only what is read later, with the types of it."""
    kept = (
        line
        for line in page.splitlines()
        if line.startswith(_KEPT) or (line.startswith("# TYPE ") and line[7:].startswith(_KEPT))
    )
    return "\n".join(kept) + "\n"


def readings_of(pages: Sequence[Page]) -> list[Reading]:
    """Read pages in their order; the first gives only what needs none before it."""
    read = [(page.at_s, _values(page.text)) for page in pages]
    if not read:
        return []
    return [_reading(read[0], read[0]), *(_reading(before, now) for before, now in pairwise(read))]


def _values(page: str) -> Values:
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            label = sample.labels.get("task") or sample.labels.get("process") or ""
            found.setdefault(sample.name.removeprefix("seqserve_"), {})[label] = sample.value
    return found


def _reading(before: tuple[float, Values], now: tuple[float, Values]) -> Reading:
    (was_at, old), (at_s, new) = before, now
    texts, batches = (_grown(old, new, f"batch_texts_{what}") for what in ("sum", "count"))
    cpu = _grown(old, new, "process_cpu_seconds_total")
    seconds = at_s - was_at
    return Reading(
        at_s=at_s,
        queue_texts=new.get("queue_texts", {}),
        batch_texts={task: texts[task] / n for task, n in batches.items() if n > 0},
        calls_in_flight=new.get("calls_in_flight", {}),
        memory_bytes=new.get("process_resident_memory_bytes", {}),
        cpu_share={name: used / seconds for name, used in cpu.items()} if seconds > 0 else {},
    )


def _grown(old: Values, new: Values, name: str) -> dict[str, float]:
    """Give what counters counted; a process that began anew has counted from nothing."""
    was = old.get(name, {})
    return {
        label: value - was.get(label, 0.0) if value >= was.get(label, 0.0) else value
        for label, value in new.get(name, {}).items()
    }
