"""The model card of an imported checkpoint: its origin, what was verified, and what was measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from seqserve.evaluation.markdown import number, table_lines
from seqserve.evaluation.report import Report
from seqserve.evaluation.reproduction import INT8_AGREEMENT, is_of_export
from seqserve.manifest import Description

_LANGUAGES_SHOWN = 20


@dataclass(frozen=True)
class ImportFacts:
    """What an import found beside the manifest.

    Args:
        difference: Largest difference between the fp32 graphs and transformers; None: not compared.
        warnings: What the user should know, a sentence each.
        bundle: Path of the bundle, as typed from the working directory.
    """

    difference: float | None
    warnings: tuple[str, ...]
    bundle: str


def import_card(description: Description, report: Report, facts: ImportFacts) -> str:
    """Return the Markdown text of MODEL_CARD.md."""
    sections = {
        "Origin": _origin(description),
        "Verification": _verification(description, facts),
        "Metrics": _metrics(description, report, facts),
        "Warnings": (f"- {warning}" for warning in facts.warnings),
    }
    lines = list(_head(description))
    for title, content in sections.items():
        if found := list(content):
            lines += ["", f"## {title}", "", *found]
    return "\n".join([*lines, ""])


def _head(description: Description) -> Iterator[str]:
    assert description.origin
    yield f"# {description.name} {description.version}"
    yield from (
        "",
        f"Imported from the checkpoint {description.origin.name}; it was not trained here.",
        "",
    )
    shown = description.pairs or description.languages
    names = ["→".join(one) if isinstance(one, tuple) else one for one in shown]
    more = f" and {len(names) - _LANGUAGES_SHOWN} more" if len(names) > _LANGUAGES_SHOWN else ""
    if description.language_pairs and not description.pairs:
        names = ["→".join(description.languages)]
    yield (
        f"- Task: {description.task}; languages: {', '.join(names[:_LANGUAGES_SHOWN])}{more}; "
        f"labels: {', '.join(description.labels) or '—'}; precision: {description.precision}"
    )
    yield f"- Licence of the weights: {description.licence}"
    yield f"- A score is: {description.kind_of_score}"
    yield (
        f"- Made by `seqserve import` on {description.created} with "
        + ", ".join(f"{tool} {version}" for tool, version in sorted(description.tools.items()))
    )


def _origin(description: Description) -> Iterator[str]:
    assert description.origin
    yield (
        f"A checkpoint of the family {description.origin.family} in Hugging Face's format. Its own model card "
        "says what it was trained on, and its limits."
    )
    yield ""
    yield from table_lines(("file", "SHA-256"), sorted(description.origin.files.items()))


def _verification(description: Description, facts: ImportFacts) -> Iterator[str]:
    if facts.difference is None:
        yield "- The graphs in fp32 were not compared with transformers, which was not installed."
    else:
        yield (
            "- Largest difference between the graphs in fp32 and transformers, over several batch sizes and "
            f"lengths: {facts.difference:.1e}."
        )
    if (agreement := description.metrics.get(INT8_AGREEMENT)) is not None:
        yield (
            f"- Of the golden inputs, int8 answers {agreement:.0%} as fp32 does, scores aside. The golden "
            "cases are the answers of this bundle."
        )


def _metrics(description: Description, report: Report, facts: ImportFacts) -> Iterator[str]:
    """Yield the measured quality with intervals, and what int8 changed."""
    rows = [
        (name, f"{description.metrics[name]:g}", f"[{number(found.low)}, {number(found.high)}]")
        for name, found in report.intervals().items()
    ]
    if not rows:
        command = f"seqserve evaluate {shlex.quote(facts.bundle)} --set FILE"
        yield f"None were measured. `{command}` measures them on labelled data."
        return
    rows += [(k, f"{v:g}", "") for k, v in sorted(description.metrics.items()) if is_of_export(k)]
    yield from table_lines(("metric", "value", "95 %"), rows)
