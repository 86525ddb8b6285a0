"""Plot a run: loss, learning rate and dev metrics over steps."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from seqserve.training.cost import read_log


def plot_curves(log: Path, picture: Path) -> None:
    """Plot `log.jsonl` of a run as a PNG.

    Args:
        log: The log of the run, with at least one complete line.
        picture: The PNG to write.
    """
    lines = read_log(log)
    metrics = [key for key in lines[-1] if key.startswith("dev_")]
    panels = ["loss", *metrics, "learning_rate"]
    figure, axes = plt.subplots(1, len(panels), figsize=(3.5 * len(panels), 3), squeeze=False)
    for panel, name in zip(axes[0], panels, strict=True):
        panel.plot([line["step"] for line in lines], [line[name] for line in lines], marker=".")
        panel.set_title(name)
        panel.set_xlabel("step")
    figure.tight_layout()
    figure.savefig(picture, dpi=100)
    plt.close(figure)
