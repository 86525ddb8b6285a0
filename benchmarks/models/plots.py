"""Plots of the benchmark: small PNGs, identical for identical results."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.models.growth import GrowthResult
from benchmarks.models.translation import TranslationResult
from benchmarks.models.translators import OURS, PEER

_STYLES = {OURS: "-", PEER: ":"}


def plot_growth(found: GrowthResult, picture: Path) -> None:
    """Draw texts per second over the source length and over the batch size, CTranslate2 dotted."""
    figure = Figure(figsize=(9, 3.8), layout="tight")
    left, right = figure.subplots(1, 2, sharey=True)
    by_batch = {(f"batch {p.batch}", p.length): p for p in found.points}
    by_length = {(f"{p.length} tokens", p.batch): p for p in found.points}
    for axes, points, x in ((left, by_batch, "source tokens"), (right, by_length, "batch")):
        for n, line in enumerate(dict.fromkeys(name for name, _ in points)):
            places = sorted(place for name, place in points if name == line)
            for side, style in _STYLES.items():
                speeds = [points[line, place].texts_per_s(side) for place in places]
                label = line if side == OURS else None
                axes.plot(places, speeds, style, color=f"C{n}", label=label)
        axes.set(xscale="log", yscale="log", xlabel=x)
        axes.legend(fontsize=7)
    left.set_ylabel("texts per second of CPU time")
    figure.suptitle(f"{found.precision}, beam 4; dotted: {PEER}", fontsize=10)
    _save(figure, picture)


def plot_translation(found: TranslationResult, picture: Path) -> None:
    """Draw the ratios of all cells as bars with the quartiles of the rounds; 1 is CTranslate2."""
    cells = [result.cell for result in found.cells]
    names = [f"{c.precision}, batch {c.batch}, {c.search}, {c.threads} core" for c in cells]
    ratios = [result.ratio for result in found.cells]
    figure = Figure(figsize=(7, 0.28 * len(names) + 1), layout="tight")
    axes = figure.subplots()
    places = range(len(names))
    axes.barh(places, [r.value for r in ratios], color="C0", height=0.6)
    axes.hlines(places, [r.low for r in ratios], [r.high for r in ratios], color="black")
    axes.axvline(1, color="grey", linestyle="--")
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(f"time of {PEER} ÷ time of {OURS}")
    _save(figure, picture)


def _save(figure: Figure, picture: Path) -> None:
    figure.savefig(picture, dpi=90, metadata={"Software": None})
