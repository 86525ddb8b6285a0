"""A picture of a run: loss, learning rate and dev measures over steps."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from seqserve.training.cost import read_log


def plot_curves(log: Path, picture: Path) -> None:
    """Draw `log.jsonl` of a run as a PNG.

    Args:
        log: What the loop wrote, at least one whole line.
        picture: Where the PNG goes.
    """
    lines = read_log(log)
    measures = [key for key in lines[-1] if key.startswith("dev_")]
    panels = ["loss", *measures, "learning_rate"]
    metric, axes = plt.subplots(1, len(panels), figsize=(3.5 * len(panels), 3), squeeze=False)
    for panel, name in zip(axes[0], panels, strict=True):
        panel.plot([line["step"] for line in lines], [line[name] for line in lines], marker=".")
        panel.set_title(name)
        panel.set_xlabel("step")
    metric.tight_layout()
    metric.savefig(picture, dpi=100)
    plt.close(metric)
