"""The curves of a run as PNG, for pages that cannot show SVG; needs matplotlib, which only this module does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from loadtest.charts import COLOURS, Chart
from loadtest.problems import LoadTestError


def require_matplotlib() -> None:
    """See to it that plots can be drawn, before a run that may take an hour.

    Raises:
        LoadTestError: They cannot.
    """
    if find_spec("matplotlib") is None:
        raise LoadTestError("plots need matplotlib: pip install matplotlib")


def write_plots(charts: Sequence[Chart], folder: Path) -> list[Path]:
    """Draw every chart into a file of its own; gives the files."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for chart in charts:
        figure, axes = plt.subplots(figsize=(7, 3.2), dpi=150, layout="constrained")
        for i, line in enumerate(chart.lines):
            xs, ys = zip(*line.points, strict=True) if line.points else ((), ())
            marker = "o" if chart.has_dots else ""
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(xs, ys, label=line.name, color=colour, marker=marker, markersize=4, lw=1.4)
        if chart.is_log:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(chart.title, fontsize=10, loc="left")
        axes.set_xlabel(chart.x_name)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
        paths.append(folder / f"{file_name(chart.title)}.png")
        figure.savefig(paths[-1])
        plt.close(figure)
    return paths


def file_name(title: str) -> str:
    """Give a title as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
