"""Markdown of evaluations: report.md, and tables for other pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from seqserve.errors import DataError
from seqserve.evaluation.bootstrap import Measure
from seqserve.evaluation.calibration import Calibration
from seqserve.evaluation.report import Example, Report, SetReport, Slice, Table


def report_markdown(report: Report, pictures: Mapping[tuple[str, str], str]) -> str:
    """Return the text of report.md.

    Args:
        report: What was measured.
        pictures: File name of the reliability diagram by name and split of the set.
    """
    lines = [
        f"# Evaluation of {report.name} {report.version}, {report.precision}",
        "",
        f"Answers of the serving runtime to the {report.split} sets of the recipe. In brackets: 95 % "
        f"intervals over {report.n_resamples} resamples of the examples. "
        + ", ".join(f"{tool} {version}" for tool, version in sorted(report.tools.items()))
        + ".",
    ]
    for found in report.sets:
        lines += ["", *_set_lines(found, pictures.get((found.name, found.split)))]
    return "\n".join([*lines, ""])


def table_lines(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    head = list(columns)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def replace_section(page: Path, name: str, text: str) -> None:
    """Replace the text between the lines `<!-- NAME -->` and `<!-- /NAME -->` of a page.

    Raises:
        DataError: The page does not exist, or lacks these lines.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    try:
        before, start, rest = page.read_text(encoding="utf-8").partition(first)
    except FileNotFoundError as error:
        raise DataError(f"there is no page {page} to update") from error
    _, end, after = rest.partition(last)
    if not (start and end):
        raise DataError(f"{page} has no place for the table: add {first.strip()} and {last}")
    page.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")


def interval_text(measure: Measure) -> str:
    """Return a metric with its interval, for a table cell."""
    return f"{number(measure.value)} [{number(measure.low)}, {number(measure.high)}]"


def number(value: float) -> str:
    """Return a metric as text: fractions with 4 digits, percentages with 2."""
    return f"{value:.4f}" if abs(value) < 2 else f"{value:.2f}"


def slice_lines(slices: Sequence[Slice]) -> Iterator[str]:
    """Yield one table per kind of slice."""
    for kind, group in groupby(slices, key=lambda part: part.kind):
        parts = list(group)
        names = list(parts[0].measures)
        rows = ((p.name, p.n, *(interval_text(p.measures[name]) for name in names)) for p in parts)
        yield ""
        yield from table_lines((kind, "n", *names), rows)


def _set_lines(found: SetReport, picture: str | None) -> Iterator[str]:
    findings = found.findings
    yield f"## {found.name} {found.split}: {found.n} examples"
    yield ""
    rows = ((name, interval_text(value)) for name, value in findings.measures.items())
    yield from table_lines(("measure", "value"), rows)
    yield from slice_lines(findings.slices)
    for table in findings.tables:
        yield from _count_lines(table)
    if findings.calibration and findings.calibration.bins:
        yield from _calibration_lines(findings.calibration, picture)
    if findings.examples:
        yield from ("", "### Errors")
        for kind, examples in groupby(findings.examples, key=lambda example: example.kind):
            yield from ("", f"**{kind}**", "")
            for example in examples:
                yield from _example_lines(example)


def _count_lines(table: Table) -> Iterator[str]:
    yield from ("", f"### {table.title[0].upper()}{table.title[1:]}", "")
    yield from table_lines(("", *table.columns), ((k, *row) for k, row in table.rows.items()))


def _calibration_lines(calibration: Calibration, picture: str | None) -> Iterator[str]:
    yield from ("", f"### Probabilities of {calibration.of}", "")
    yield f"Expected calibration error {interval_text(calibration.ece)}."
    yield ""
    if picture:
        yield from (f"![reliability diagram]({picture})", "")
    rows = (
        (f"{b.low:.2f} to {b.high:.2f}", b.n, number(b.confidence), number(b.accuracy))
        for b in calibration.bins
    )
    yield from table_lines(("probability", "n", "mean probability", "share right"), rows)


def _example_lines(example: Example) -> Iterator[str]:
    yield f"- {_plain(example.text)}"
    yield from (f"  - {who}: {_plain(said)}" for who, said in example.said.items())


def _plain(text: str) -> str:
    """Let a text show as it is, markup and all: a fence longer than any run of backquotes in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, gap = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{gap}{text}{gap}{fence}"
