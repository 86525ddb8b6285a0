"""The record as the section of docs/benchmarks.md between its two markers, and as plots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.models.parts import RuntimeRecord
from benchmarks.models.plots import plot_growth, plot_translation
from benchmarks.models.tables import (
    agreement_lines,
    growth_lines,
    int8_lines,
    invariance_lines,
    larger_lines,
    lstm_lines,
    memory_lines,
    translation_lines,
)
from benchmarks.tools.machine import Machine
from benchmarks.tools.record import Record
from seqserve.evaluation.markdown import replace_section, table_lines

SECTION = "bench"

_PLOTS: dict[str, Callable[[Any, Path], None]] = {
    "translation": plot_translation,
    "growth": plot_growth,
}
_TABLES: dict[str, tuple[str, Callable[[Any], Iterator[str]]]] = {
    "agreement": ("The same tokens as torch in fp32", agreement_lines),
    "translation": ("Translation against CTranslate2", translation_lines),
    "lstm": ("Named entities and sentiment against torch", lstm_lines),
    "invariance": ("Answers alone and in a batch", invariance_lines),
    "memory": ("Memory and loading", memory_lines),
    "growth": ("Growth with length and batch", growth_lines),
    "larger": ("Translation with a larger model", larger_lines),
}
_METHOD = """\
**Method.** All sides of a comparison run in one process and take turns on the same batches of consecutive
dev segments, in random order; a time is the mean over the batches of each one's fastest run, and the range in
brackets holds the middle half of the rounds' ratios. One core is CPU time with one thread, two cores are wall
time with two.

Both translators have the same weights: torch's model is made again from the bundle, in int8 with the rounded
weights, and our fp32 graphs and both CTranslate2 models, by its own converter, are made of that. (Where the
bundle multiplies the inputs of a layer by factors, CTranslate2 rounds that layer's weights a second time.)
Both search until the end symbol with the same beam, at most twice the source and 10 tokens (of a batch, of its
longest source; in the growth plot, as many as the source), ranked by the mean log-probability per token,
padding and unknown never given out; both give the score too. Ids come in and tokens go out: no subword
splitting on either side.
CTranslate2's settings are searched for every cell of the speed table: compute type, threads, `max_batch_size`
and `batch_type`, before that, on one core, instruction set, MKL and packed weights. Memory and growth are those
of its plain settings. Ours are those of the server.

Torch runs with one thread, in eager mode, with bfloat16 autocast, and with its dynamic int8; the best of the
three is named. Our tagger's graph ends in tags and span probabilities, torch's model before its CRF, which is
what the verdicts compare; "with CRF" adds ours in numpy to torch.

**Caveats.** One processor model, shared with others, and we tuned for it; other processors may order the
sides otherwise. Differences of a few hundredths are noise. In int8 both sides round activations differently,
so their tokens, and with them their lengths, differ in some texts; tokens per second take that into account,
ratios do not. CTranslate2 takes one length limit a batch."""


def write_report(record: RuntimeRecord, page: Path | None, plots: Path) -> str:
    """Draw the plots and put the tables into a page.

    Args:
        record: What was measured.
        page: The page; None changes none.
        plots: Folder of the pictures, beside the page.

    Returns:
        The section.

    Raises:
        DataError: The page has no place for the section.
    """
    plots.mkdir(parents=True, exist_ok=True)
    for name, draw in _PLOTS.items():
        if figures := getattr(record.parts, name):
            draw(figures, plots / f"{name}.png")
    text = report_markdown(record, plots.name)
    if page:
        replace_section(page, SECTION, text)
    return text


def report_markdown(record: RuntimeRecord, plots: str) -> str:
    """Give the section: the machine, the method, and a table per part that was measured."""
    lines = [machine_line(record.machine), "", *bundle_lines(record)]
    if record.size != "full":
        lines += [
            "",
            f"**Size {record.size}: few rounds and texts, no search for the best instruction set.**",
        ]
    lines += ["", _METHOD]
    for name, (title, lines_of) in _TABLES.items():
        if figures := getattr(record.parts, name):
            lines += ["", f"### {title}", "", *lines_of(figures)]
            if name in _PLOTS:
                lines += ["", f"![{title}]({plots}/{name}.png)"]
    lines += ["", "### What int8 costs", "", *int8_lines(record.bundles)]
    return "\n".join(lines)


def machine_line(machine: Machine) -> str:
    """Give the machine and the programs in one line."""
    tools = ", ".join(f"{tool} {version}" for tool, version in machine.tools.items())
    return (
        f"**Machine.** {machine.cpu} ({machine.family}), {machine.cores} cores, "
        f"{machine.memory_gib:g} GiB, {machine.system}, Python {machine.python}; {tools}. "
        f"Instruction sets: {', '.join(machine.flags)}."
    )


def bundle_lines(record: Record) -> Iterator[str]:
    """Give the table of the bundles that were measured."""
    yield from table_lines(
        ("bundle", "version", "precision", "SHA-256"),
        (
            (name, bundle.version, bundle.precision, f"`{bundle.sha256}`")
            for name, bundle in record.bundles.items()
        ),
    )
