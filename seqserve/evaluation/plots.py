"""Plot calibration: the share of right answers over their probability."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from seqserve.evaluation.calibration import N_BINS, Calibration


def plot_reliability(calibration: Calibration, title: str, picture: Path) -> None:
    """Draw a reliability diagram as a PNG: bars against the diagonal, counts below.

    Source: Guo et al. 2017, figure 1.
    """
    lows = [b.low for b in calibration.bins]
    width = 1 / N_BINS
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(4, 4.5), sharex=True, height_ratios=(3, 1), layout="tight"
    )
    upper.bar(lows, [b.accuracy for b in calibration.bins], width, align="edge", edgecolor="white")
    upper.plot([0, 1], [0, 1], linestyle="--", color="grey")
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is right")
    upper.set_title(f"{title}, ECE {calibration.ece.value:.4f}", fontsize=10)
    lower.bar(lows, [b.n for b in calibration.bins], width, align="edge", edgecolor="white")
    lower.set(xlabel="probability that was answered", ylabel=calibration.of)
    figure.savefig(picture, dpi=100)
    plt.close(figure)
