"""Weights between those that a run started from and those that it learnt.

What fine-tuning on new text gains and what it forgets of the old both grow with the distance from the start;
on the line between the two, much of the gain is often left where little is forgotten.

Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from seqserve.errors import ConfigError, DataError
from seqserve.training.checkpoint import BEST, read_weights, set_weights
from seqserve.training.starts import START


class Measured(Protocol):
    """A model with dev sets, such as what the loop trains."""

    @property
    def model(self) -> nn.Module:
        """The model."""

    def evaluate(self) -> dict[str, float]:
        """Measure it on dev."""


@dataclass(frozen=True)
class ShareScores:
    """What a share of the initial weights gives on dev."""

    start_share: float
    metrics: dict[str, float]


def interpolate(
    start: Mapping[str, Tensor], trained: Mapping[str, Tensor], start_share: float
) -> dict[str, Tensor]:
    """Return start_share · start + (1 - start_share) · trained, tensor by tensor.

    Args:
        start: Initial weights.
        trained: Weights of the same model.
        start_share: 0..1.

    Raises:
        DataError: They are of different models.
    """
    names = {name for name in trained.keys() | start.keys() if not _fits(name, start, trained)}
    if names:
        raise DataError(f"the initial weights are of another model: {', '.join(sorted(names))}")
    return {name: torch.lerp(one, start[name], start_share) for name, one in trained.items()}


def _fits(name: str, start: Mapping[str, Tensor], trained: Mapping[str, Tensor]) -> bool:
    return name in start and name in trained and start[name].shape == trained[name].shape


def load_interpolated(model: nn.Module, run: Path, start_share: float) -> None:
    """Set a model to the best weights of a run, moved towards those that it started from.

    Args:
        model: Gets the weights.
        run: A finished run.
        start_share: Of the initial weights; 0 needs none.

    Raises:
        DataError: Weights are missing, damaged or of another model.
    """
    weights = read_weights(run / BEST)
    if start_share:
        weights = interpolate(read_weights(run / START), weights, start_share)
    set_weights(model, weights, run / BEST)


def measure_shares(task: Measured, run: Path, shares: Sequence[float]) -> list[ShareScores]:
    """Measure shares of the initial weights on the dev sets of a recipe.

    Args:
        task: Its model is changed.
        run: A finished run that has a start.
        shares: 0..1.

    Raises:
        ConfigError: The run started from random weights, or a share is not one.
        DataError: Weights are missing, damaged or of another model.
    """
    if not (run / START).exists():
        raise ConfigError(
            f"{run} has no {START}: only a run with `start` or `start_bundle` in [text] has initial weights"
        )
    for share in shares:
        if not 0 <= share <= 1:
            raise ConfigError(f"a share of the initial weights is {share}; allowed: 0 to 1")
    found = []
    for share in shares:
        load_interpolated(task.model, run, share)
        task.model.eval()
        with torch.inference_mode():
            found.append(ShareScores(share, task.evaluate()))
    return found
