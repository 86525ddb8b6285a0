"""Made-up results over HTTP."""

from __future__ import annotations

from typing import Any

from benchmarks.http.cache import CacheRound, TaskCache
from benchmarks.http.dialects import TaskDialects
from benchmarks.http.load import Observation
from benchmarks.http.overhead import TaskOverhead
from benchmarks.http.swaps import SwapRound
from benchmarks.http.tail import TailRound, TaskTail
from benchmarks.http.throughput import TaskThroughput
from tests.benchmarks.models.made_up import comparison


def seen(p50_ms: float, p99_ms: float, per_s: float = 100.0) -> Observation:
    return Observation(1000, per_s, p50_ms, p99_ms)


def loads(alone: Observation, per_s: float, half: Observation) -> TailRound:
    return TailRound(alone, seen(9.0, 9.0, per_s), half)


OVERHEAD = (
    TaskOverhead("ner", comparison(bare=(0.1, 0.1), embedded=(0.13, 0.12), runners=(0.3, 0.3))),
    TaskOverhead("translation", comparison(bare=(0.1,), embedded=(0.15,), runners=(0.2,))),
)
THROUGHPUT = (
    TaskThroughput("ner", comparison(HTTP=(0.5, 0.52), runtime=(0.45, 0.45))),
    TaskThroughput("translation", comparison(HTTP=(10.0,), runtime=(9.0,))),
)
TAIL = (
    TaskTail(
        "ner",
        (
            loads(seen(1.0, 2.0), 400.0, seen(2.0, 5.0)),
            loads(seen(1.0, 1.5), 300.0, seen(2.0, 90.0)),
            loads(seen(2.0, 9.0), 500.0, seen(4.0, 8.0)),
        ),
    ),
    TaskTail("translation", (loads(seen(10.0, 12.0), 50.0, seen(20.0, 70.0)),)),
)
IMPORTED = (TaskThroughput("ner", comparison(HTTP=(0.8, 0.8), runtime=(0.6, 0.6))),)
DIALECTS = (
    TaskDialects(
        "ner",
        comparison(native=(2.0, 2.0), hf=(2.2, 2.2), azure=(3.0, 3.0)),
    ),
    TaskDialects("translation", comparison(native=(10.0,), deepl=(10.5,))),
)
SWAPS = (
    SwapRound(seen(2.0, 10.0), seen(2.5, 14.0), 10),
    SwapRound(seen(2.0, 10.0), seen(3.0, 40.0), 10),
)
CACHE = (
    TaskCache(
        "ner",
        (
            CacheRound(seen(8.0, 20.0, 1000.0), seen(4.0, 9.0, 2100.0)),
            CacheRound(seen(8.0, 20.0, 1000.0), seen(4.0, 9.0, 2300.0)),
        ),
    ),
    TaskCache("translation", (CacheRound(seen(80.0, 90.0, 50.0), seen(60.0, 90.0, 90.0)),)),
)
PARTS: dict[str, Any] = {
    **{"overhead": OVERHEAD, "throughput": THROUGHPUT, "imported": IMPORTED, "tail": TAIL},
    **{"dialects": DIALECTS, "swaps": SWAPS, "cache": CACHE},
}
