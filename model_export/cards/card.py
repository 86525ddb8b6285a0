"""The model card: a page made from the recipe, the manifest and the evaluation."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath

from model_export.cards.ablation import Ablation
from seqserve.evaluation.calibration import N_BINS, Calibration
from seqserve.evaluation.markdown import interval_text, number, table_lines
from seqserve.evaluation.report import Report, SetReport, Slice
from seqserve.evaluation.reproduction import is_of_export
from seqserve.evaluation.thresholds import PRECISION
from seqserve.manifest import (
    LOW_CONFIDENCE,
    MIN_SCORE,
    NEUTRAL_HIGH,
    NEUTRAL_LOW,
    Description,
)
from seqserve.tasks import TASKS
from seqserve.training.cost import Stage, TrainingCost
from seqserve.training.recipe import Recipe

_MIN_EXAMPLES = 30  # of a slice that is called weak
_N_WEAK = 8
_MIN_CHARTED = 500  # examples of a set whose reliability is drawn
_N_CHARTS = 2
_NOT_PARTS = ("copied", "length", "warning")  # slices of the answers, not of the set


@dataclass(frozen=True)
class CardSources:
    """What a card is made of beside the manifest; None where there is nothing.

    Args:
        recipe: The recipe of the model.
        report: Its evaluation on the test sets.
        cost: The training cost.
        ablation: The table of its variants.
        bundle: Path of the bundle, as one types it from the working directory; empty: below bundles/.
    """

    recipe: Recipe
    report: Report
    cost: TrainingCost | None = None
    ablation: Ablation | None = None
    bundle: str = ""


def model_card(description: Description, sources: CardSources) -> str:
    """Return the Markdown text of MODEL_CARD.md."""
    sections = {
        "Intended use": [sources.recipe.card.intended_use],
        "Metrics": list(_metrics(description, sources)),
        "Weaknesses": list(_weak(sources.report)),
        "Copied terms": list(_copied(sources.report)),
        "Warnings": list(_warnings(description, sources.report)),
        "Thresholds": list(_thresholds(description)),
        "Calibration": list(_reliability(sources.report)),
        "Ablation": list(_variants(sources)),
        "Data": list(_data(description)),
        "Training": list(_training(sources.recipe, sources.cost)),
        "Limits": [sources.recipe.card.limits],
    }
    lines = list(_head(description, sources))
    for title, content in sections.items():
        if any(content):
            lines += ["", f"## {title}", "", *content]
    return "\n".join([*lines, ""])


def _bundle(sources: CardSources) -> PurePath:
    return PurePath(sources.bundle or f"bundles/{sources.recipe.name}")


def _data_option(report: Report) -> str:
    return f" --data {shlex.quote(report.data)}" if report.data not in ("", "data") else ""


def _export_command(description: Description, sources: CardSources) -> str:
    """Return the command that made the bundle; options that have their default are left out."""
    recipe = sources.recipe.path or f"recipes/{sources.recipe.name}.toml"
    folder = _bundle(sources).parent
    return (
        f"seqserve export {shlex.quote(recipe)}{_data_option(sources.report)}"
        + (f" --bundles {shlex.quote(str(folder))}" if folder != PurePath("bundles") else "")
        + (" --int8" if description.precision == "int8" else "")
    )


def _head(description: Description, sources: CardSources) -> Iterator[str]:
    yield f"# {description.name} {description.version}"
    yield from ("", sources.recipe.card.summary, "")
    yield (
        f"- Task: {description.task}; languages: {' → '.join(description.languages)}; "
        f"labels: {', '.join(description.labels) or '—'}; precision: {description.precision}"
    )
    yield f"- Licence of the weights: {description.licence}"
    yield (
        f"- Made by `{_export_command(description, sources)}` on "
        f"{description.created} with "
        + ", ".join(f"{tool} {version}" for tool, version in sorted(description.tools.items()))
    )


def _metrics(description: Description, sources: CardSources) -> Iterator[str]:
    """Yield the manifest's metrics with the report's intervals, and the first set's label slices."""
    report = sources.report
    command = f"seqserve evaluate {shlex.quote(str(_bundle(sources)))}{_data_option(report)}"
    yield "Measured on the exported bundle through the serving runtime, in batches. To measure again:"
    yield f"`{command}`. In brackets: 95 % intervals by bootstrap."
    yield ""
    rows = [
        (name, f"{description.metrics[name]:g}", f"[{number(found.low)}, {number(found.high)}]")
        for name, found in report.intervals().items()
    ]
    rows += [(k, f"{v:g}", "") for k, v in sorted(description.metrics.items()) if is_of_export(k)]
    yield from table_lines(("metric", "value", "95 %"), rows)
    for found in report.sets[:1]:
        labels = [part for part in found.findings.slices if part.kind == "label"]
        if labels:
            names = list(labels[0].measures)
            cells = ((p.name, p.n, *map(interval_text, p.measures.values())) for p in labels)
            yield ""
            yield from table_lines((f"label in {found.name}", "n", *names), cells)


def _weak(report: Report) -> Iterator[str]:
    """Yield the slices whose whole interval is below the metric of their set, worst first."""
    weak = [entry for found in report.sets for entry in _weak_parts(report, found)]
    weak.sort(key=lambda entry: entry[0])
    if weak:
        main = TASKS[report.task].main_metric
        rows = []
        for _, found, part in weak[:_N_WEAK]:
            name, of_set = _compared(found, part, main)
            measured = f"{name} {interval_text(part.measures[name])}"
            whole = f"{of_set} {number(found.findings.measures[of_set].value)}"
            rows.append((found.name, f"{part.kind} {part.name}", part.n, measured, whole))
        yield from table_lines(("set", "part", "n", "metric", "all of the set"), rows)


def _weak_parts(report: Report, found: SetReport) -> Iterator[tuple[float, SetReport, Slice]]:
    """Yield weak slices: share of the set's metric, set, slice."""
    for part in found.findings.slices:
        if part.kind in _NOT_PARTS or part.n < _MIN_EXAMPLES:
            continue
        name, of_set = _compared(found, part, TASKS[report.task].main_metric)
        whole = found.findings.measures[of_set].value
        if part.measures[name].high < whole:
            yield part.measures[name].value / whole, found, part


def _compared(found: SetReport, part: Slice, main: str) -> tuple[str, str]:
    """Return the metric of a slice, and that of its set which it is compared with: the main one if there is."""
    for name in (main, *found.findings.measures):
        if name in part.measures:
            return name, name
    return "recall", main


def _copied(report: Report) -> Iterator[str]:
    """Yield the share of copied terms by set and kind."""
    rows = [
        (found.name, part.name, part.n, interval_text(part.measures["share"]))
        for found in report.sets
        for part in found.findings.slices
        if part.kind == "copied" and part.n >= _MIN_EXAMPLES
    ]
    if rows:
        yield "Of the terms in both source and reference: the share that the translation contains too."
        yield ""
        yield from table_lines(("set", "what", "n", "share"), rows)


_WARNED = {
    LOW_CONFIDENCE: "Segments with a score below {value:g} get the warning `low_confidence`: of the dev "
    "translations with a lower score, {precision:.0%} have less than half of the median chrF."
}
"""Threshold of a warning -> what the card says of it."""


def _warnings(description: Description, report: Report) -> Iterator[str]:
    """Yield what the thresholds of warnings mean, and how often each set was warned of."""
    for name, value in sorted(description.thresholds.items()):
        if name not in _WARNED:
            continue
        yield _WARNED[name].format(value=value, precision=PRECISION)
        rows = [
            (found.name, part.n, interval_text(part.measures["share"]))
            for found in report.sets
            for part in found.findings.slices
            if (part.kind, part.name) == ("warning", name)
        ]
        if rows:
            yield from ("", *table_lines(("set", "n", f"share of texts with `{name}`"), rows))


_MEANINGS = {
    MIN_SCORE: "default of the option: {answers} with a lower score are not returned",
    NEUTRAL_LOW: "probability of the second label at which neutral, on request, is as likely as the first",
    NEUTRAL_HIGH: "probability of the second label at which neutral is as likely as the second",
}
"""Threshold that is no warning's -> what the card says of it."""


def _thresholds(description: Description) -> Iterator[str]:
    """Yield what was chosen on the calibration sets."""
    answers = TASKS[description.task].csv_rows or "labels"
    rows = [
        (f"`{name}`", f"{value:g}", _MEANINGS[name].format(answers=answers))
        for name, value in sorted(description.thresholds.items())
        if name in _MEANINGS
    ]
    if rows:
        yield from table_lines(("threshold", "value", "meaning"), rows)


def _reliability(report: Report) -> Iterator[str]:
    """Yield reliability charts of the first sets that are large enough."""
    charted = [
        (found, calibration)
        for found in report.sets
        if found.n >= _MIN_CHARTED
        and (calibration := found.findings.calibration)
        and calibration.bins
    ]
    for i, (found, calibration) in enumerate(charted[:_N_CHARTS]):
        yield from [""] * (i > 0)
        yield (
            f"On {found.name} {found.split}, in {N_BINS} bins of probability; bars: share of right answers, "
            f"line: mean probability. Expected calibration error {interval_text(calibration.ece)}."
        )
        yield from ("", *_chart(calibration))


def _chart(calibration: Calibration) -> Iterator[str]:
    bins = calibration.bins
    middles = ", ".join(f'"{(b.low + b.high) / 2:.2f}"' for b in bins)
    yield "```mermaid"
    yield "xychart-beta"
    yield f'    x-axis "probability of {calibration.of}" [{middles}]'
    yield '    y-axis "share of right answers" 0 --> 1'
    yield f"    bar [{', '.join(f'{b.accuracy:.3f}' for b in bins)}]"
    yield f"    line [{', '.join(f'{b.confidence:.3f}' for b in bins)}]"
    yield "```"


def _variants(sources: CardSources) -> Iterator[str]:
    """Yield the ablation table and the settings of its runs that differ from the recipe."""
    ablation, loop = sources.ablation, sources.recipe.ablation.loop
    if ablation:
        settings = ", ".join(f"{name} {value}" for name, value in loop.items())
        yield f"By `{ablation.command}`{f', each with {settings}' if loop else ''}."
        yield ""
        yield from table_lines(
            ("variant", *ablation.columns),
            (
                (row.name, *(f"{row.metrics[c]:g}" if c in row.metrics else "—" for c in ablation.columns))
                for row in ablation.rows
            ),
        )  # fmt: skip


def _data(description: Description) -> Iterator[str]:
    yield from table_lines(
        ("set", "licence", "what", "examples"),
        (
            (
                source.name,
                source.licence,
                source.what or "—",
                ", ".join(f"{split} {n}" for split, n in sorted(source.splits.items())),
            )
            for source in description.data
        ),
    )


def _training(recipe: Recipe, cost: TrainingCost | None) -> Iterator[str]:
    if cost:
        yield from (_stage(stage) for stage in cost.stages)
    else:
        yield "- Steps, time and hardware: not recorded"
    yield from ("", "```json", recipe.settings_json(), "```")


def _stage(stage: Stage) -> str:
    time = None if stage.seconds is None else timedelta(seconds=round(stage.seconds))
    facts = (
        "steps not recorded" if stage.steps is None else f"{stage.steps} steps",
        "time not recorded" if time is None else str(time),
        f"on {' and '.join(stage.hardware)}" if stage.hardware else "hardware not recorded",
    )
    return f"- {stage.name}: {'; '.join(facts)}"
