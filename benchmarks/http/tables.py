"""The figures over HTTP as Markdown tables, beside what is promised for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.http.latency import (
    MIDDLE,
    SPAN_ENDS_S,
    BurstFigures,
    IsolationFigures,
    TailFigures,
    TaskTail,
)
from benchmarks.http.load import Seen
from benchmarks.http.overhead import BARE, N_CLIENTS, OverheadFigures, TaskOverhead
from benchmarks.http.throughput import (
    HTTP,
    REQUEST_TEXTS,
    RUNTIME,
    TaskThroughput,
    ThroughputFigures,
)
from benchmarks.http.verdicts import (
    ISOLATION,
    OVERHEAD,
    RECOVERED_BY_S,
    RECOVERY,
    TAIL,
    THROUGHPUT,
)
from benchmarks.models.tables import JUDGED, ratio_words
from benchmarks.tools.timing import Ratio, median_ratio, typical_ratio
from benchmarks.tools.verdicts import NONE, judged
from seqserve.evaluation.markdown import table_lines


def overhead_lines(figures: OverheadFigures) -> Iterator[str]:
    """Give CPU time per request, and its ratio to the bare server's."""
    yield (
        f"One short text a request, {N_CLIENTS} clients on connections that are kept, engines that "
        "compute nothing, all servers on one core."
    )
    yield ""
    yield from table_lines(
        ("route", "server", "CPU ms a request", "requests/s", "ratio (quartiles)", *JUDGED),
        (row for line in figures.lines for row in _overhead_rows(line)),
    )


def throughput_lines(figures: ThroughputFigures) -> Iterator[str]:
    """Give texts per second of both sides."""
    yield (
        f"Requests of {REQUEST_TEXTS} real texts to the server with its runners; the runtime alone answers "
        "the same texts in calls of the size that suits it best. Each side has the same one core."
    )
    yield ""
    yield from table_lines(
        (
            *("task", "texts a call", "texts/s", "runtime", "CPU ms a text", "runtime"),
            *("share of the runtime's texts/s (quartiles)", *JUDGED),
        ),
        map(_throughput_row, figures.lines),
    )


def tail_lines(figures: TailFigures) -> Iterator[str]:
    """Give the median and the 99th percentile of one client alone, and at half of saturation."""
    yield (
        f"Texts as they are, and such of about one length: the middle one in {MIDDLE}. "
        '"Alone" is one client that asks without a pause. Server and clients share all processors; '
        "of the turns' figures and of their ratios, the medians."
    )
    yield ""
    yield from table_lines(
        (
            *("task", "texts", "alone: p50 ms", "p99 ÷ p50", "most requests/s"),
            *("half of them: p50 ms", "p99 ms", "p99 ÷ p50 (quartiles)", *JUDGED),
        ),
        map(_tail_row, figures.lines),
    )


def isolation_lines(figures: IsolationFigures) -> Iterator[str]:
    """Give the 99th percentile of names on an idle server and on one that translates."""
    idle_ms, busy_ms = _p99(figures.idle), _p99(figures.busy)
    per_s = median(figures.translations_per_s)
    rows: list[tuple[object, ...]] = [
        ("idle", f"{_p50(figures.idle):.1f}", f"{idle_ms:.1f}", NONE, *judged(None, 0)),
        (
            *(f"{per_s:.1f} translations/s", f"{_p50(figures.busy):.1f}", f"{busy_ms:.1f}"),
            *(f"{busy_ms / idle_ms:.1f}", *judged(ISOLATION, busy_ms / idle_ms)),
        ),
    ]
    yield from table_lines(("server", "p50 ms", "p99 ms", "p99 ÷ idle p99", *JUDGED), rows)


def burst_lines(figures: BurstFigures) -> Iterator[str]:
    """Give the median of one client before a burst and in the spans after it."""
    before_ms = figures.before.p50_ms
    rows: list[tuple[object, ...]] = [("before", f"{before_ms:.2f}", NONE, *judged(None, 0))]
    start_s = 0.0
    for end_s, seen in zip(SPAN_ENDS_S, figures.after, strict=True):
        value = seen.p50_ms / before_ms
        target = RECOVERY if end_s == RECOVERED_BY_S else None
        name = f"{start_s:g} to {end_s:g} s after"
        rows.append((name, f"{seen.p50_ms:.2f}", f"{value:.2f}", *judged(target, value)))
        start_s = end_s
    yield from table_lines(("one client", "p50 ms", "of that before", *JUDGED), rows)


def _overhead_rows(line: TaskOverhead) -> Iterator[Iterable[object]]:
    for name, side in line.comparison.sides.items():
        found = typical_ratio(line.comparison, name, BARE, "cpu")
        times = f"{side.cpu.best_ms:.3f}", f"{1000 / side.wall.best_ms:.0f}"
        words = NONE if name == BARE else ratio_words(found)
        yield line.task, name, *times, words, *judged(OVERHEAD.get(name), found.value)


def _throughput_row(line: TaskThroughput) -> Iterable[object]:
    http, runtime = (line.comparison.sides[name] for name in (HTTP, RUNTIME))
    share = typical_ratio(line.comparison, RUNTIME, HTTP, "wall")
    return (
        *(line.task, line.call_texts),
        *(f"{1000 / side.wall.best_ms:.1f}" for side in (http, runtime)),
        *(f"{side.cpu.best_ms:.2f}" for side in (http, runtime)),
        *(ratio_words(share), *judged(THROUGHPUT[line.task], share.value)),
    )


def _tail_row(line: TaskTail) -> Iterable[object]:
    alone, half = [turn.alone for turn in line.turns], [turn.half for turn in line.turns]
    most_per_s = median(turn.saturated.per_s for turn in line.turns)
    ratio = _spread(half)
    return (
        *(line.task, line.texts, f"{_p50(alone):.1f}", f"{_spread(alone).value:.2f}"),
        *(f"{most_per_s:.1f}", f"{_p50(half):.1f}", f"{_p99(half):.1f}"),
        *(ratio_words(ratio), *judged(TAIL, ratio.value)),
    )


def _spread(turns: Sequence[Seen]) -> Ratio:
    return median_ratio([seen.p99_ms / seen.p50_ms for seen in turns])


def _p50(turns: Sequence[Seen]) -> float:
    return median(seen.p50_ms for seen in turns)


def _p99(turns: Sequence[Seen]) -> float:
    return median(seen.p99_ms for seen in turns)
