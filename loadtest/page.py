"""A run as one HTML page that needs nothing else: no script, no file, no network."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape

from loadtest.curves import charts_of, is_single
from loadtest.figures import ALL, Figures
from loadtest.objectives import Verdict
from loadtest.record import Record

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1340px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid #8884; }
td.n { text-align: right; }
.met { color: #059669; } .missed, .busy { color: #dc2626; font-weight: 600; } .few { color: #d97706; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 600px), 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
svg text.title { font-size: 13px; font-weight: 600; } svg .grid { stroke: #8884; stroke-width: 1; }
pre { overflow: auto; background: #8881; padding: .7rem; }
"""


class Markup(str):
    """HTML that goes into a page as it is; everything else is escaped."""


_CLASSES = {True: "met", False: "missed", None: "few"}
_FIGURES = (
    "requests",
    "accepted/s",
    "texts/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "max ms",
    "failed",
    "shed",
)


def page_of(record: Record) -> str:
    """Write the page."""
    parts = [
        f"<h1>Load test {escape(record.name)}: {verdict_mark(record.verdict)}</h1>",
        f"<p>{escape(record.profile.about)}</p>",
        *_faults(record),
        "<h2>Objectives</h2>",
        _verdicts(record.verdicts),
        *_phases(record),
        *_steps(record),
        "<h2>Curves</h2>",
        '<div class="charts">',
        *(f"<figure>{chart.svg()}</figure>" for chart in charts_of(record)),
        "</div>",
        *_origin(record),
    ]
    return document(f"{record.name}: {record.verdict}", "\n".join(parts))


def document(title: str, body: str) -> str:
    """Put a body into a page."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def verdict_mark(verdict: str) -> Markup:
    """Give a verdict in its colour."""
    return _mark("met" if verdict.endswith("met") else "missed", verdict)


def _mark(kind: str, text: str) -> Markup:
    return Markup(f'<span class="{kind}">{escape(text)}</span>')


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; cells that look like numbers stand to the right."""
    lines = ["<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"]
    lines += ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def _cell(text: str) -> str:
    if isinstance(text, Markup):
        return f"<td>{text}</td>"
    kind = ' class="n"' if text[:1].isdigit() or text[:1] in {"+", "-", "–"} else ""
    return f"<td{kind}>{escape(text)}</td>"


def _faults(record: Record) -> Iterator[str]:
    if record.fitness.faults:
        faults = "; ".join(map(escape, record.fitness.faults))
        yield f'<p class="busy">The generator was the bottleneck, so no figure here counts: {faults}.</p>'
    for note in record.notes:
        yield f"<p>{escape(note)}</p>"


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    head = ("where", "what", "measured", "wanted", "verdict")
    return html_table(
        head,
        (
            (
                verdict.where,
                verdict.what,
                number(verdict.measured),
                f"{'≥' if verdict.at_least else '≤'} {number(verdict.limit)}",
                _mark(_CLASSES[verdict.is_met], verdict.word),
            )
            for verdict in verdicts
        ),
    )


def _phases(record: Record) -> Iterator[str]:
    for found in record.phases:
        phase = found.phase
        counted = f"{phase.seconds:g} s" + (
            f", the first {phase.settle_s:g} not counted" * (phase.settle_s > 0)
        )
        yield f"<h2>Phase {escape(phase.name)} ({counted})</h2>"
        yield html_table(("route", *_FIGURES, "answers"), _route_rows(found.routes))


def _route_rows(routes: Mapping[str, Figures]) -> Iterator[Sequence[str]]:
    for route, figures in routes.items():
        answers = ", ".join(f"{n} × {status}" for status, n in figures.statuses.items())
        yield (route, *_cells(figures), answers.replace("× 0", "× no answer"))


def _cells(figures: Figures) -> tuple[str, ...]:
    times = (figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms)
    return (
        *(str(figures.n), number(figures.accepted_per_s), number(figures.texts_per_s)),
        *map(number, times),
        *(f"{figures.error_ratio:.2%}", f"{figures.shed_ratio:.2%}"),
    )


def _steps(record: Record) -> Iterator[str]:
    if not record.steps:
        return
    saturation = number(record.saturation_per_s or 0.0)
    yield f"<h2>Saturation: {saturation} requests a second</h2>"
    head = ("asked/s", "route", *_FIGURES, "verdict")
    rows: list[Sequence[str]] = []
    for step in sorted(record.steps, key=lambda step: step.rate):
        word = "held" if step.is_held else "; ".join((*step.missed, *step.fitness.faults))
        mark = _mark(_CLASSES[step.is_held], word)
        rows += [
            (number(step.rate), route, *_cells(figures), mark)
            for route, figures in step.routes.items()
            if route != ALL or not is_single(record.steps)
        ]
    yield html_table(head, rows)


def _origin(record: Record) -> Iterator[str]:
    fitness, machine = record.fitness, record.machine
    yield "<h2>Generator</h2>"
    yield html_table(
        (
            "CPU of one core, p95",
            "timers late, p99 ms",
            "requests late, p99 ms",
            "not sent",
            "processors",
        ),
        [
            (
                *(f"{fitness.cpu:.0%}", number(fitness.lag_ms), number(fitness.late_ms)),
                *(str(fitness.n_unsent), ", ".join(map(str, fitness.cpus))),
            )
        ],
    )
    tools = ", ".join(f"{tool} {version}" for tool, version in machine.tools.items())
    yield (
        f"<p>{escape(machine.cpu)}, {machine.cores} cores, {machine.memory_gib} GiB, {escape(machine.system)}, "
        f"Python {machine.python}; {escape(tools)}. Begun {record.started}, server {escape(record.host)}.</p>"
    )
    yield "<h2>Models of the server</h2>"
    models = ((m.name, m.task, m.version, m.precision, m.sha256) for m in record.models)
    yield html_table(("bundle", "task", "version", "precision", "SHA-256"), models)
    settings = json.dumps({"seed": record.seed, **asdict(record.profile)}, indent=1)
    yield f"<details><summary>Settings</summary><pre>{escape(settings)}</pre></details>"


def number(value: float) -> str:
    """Give three or four figures of a number; a dash where it is none."""
    if math.isnan(value):
        return "–"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
