"""Checkpoints: one safetensors file, written atomically, resumed bit for bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seqserve.errors import DataError
from seqserve.files import written_whole

BEST, LAST = "best.safetensors", "last.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Progress:
    """Where a run stands.

    Args:
        step: Optimiser steps done.
        epoch: Passes over the data begun, minus one.
        batch: Batches of this epoch done.
        best: Best dev metric so far.
        best_step: When it was reached.
        stale: Evaluations since then.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float = float("-inf")
    best_step: int = 0
    stale: int = 0

    def is_complete(self, max_steps: int, patience: int) -> bool:
        """Whether a run with these limits has ended: no steps are left, or dev stopped improving."""
        return self.step >= max_steps or self.stale >= patience


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the weights of a model; tied ones once."""
    _replace(path, _plain(model.state_dict()))


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read what `save_weights` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    if not path.exists():
        raise DataError(f"there are no weights at {path}; train the model first")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise DataError(f"{path} is damaged: {error}") from error


def load_weights(model: nn.Module, path: Path) -> None:
    """Set the weights of a model to what `save_weights` wrote.

    Raises:
        DataError: The file is missing or damaged, or holds a model of another shape.
    """
    set_weights(model, read_weights(path), path)


def set_weights(model: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Set the weights of a model.

    Args:
        model: Gets the weights.
        weights: By name.
        path: Where they come from, for the message.

    Raises:
        DataError: They are of a model of another shape.
    """
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{path} is of another model than the recipe's: {error}") from error


def copy_whole(source: Path, path: Path) -> None:
    """Copy a file so that it is there whole or not at all."""
    with written_whole(path) as partial:
        shutil.copy(source, partial)


def save_preprocessor(values: dict[str, Any], path: Path) -> None:
    """Write the vocabularies of a run, as a preprocessor's `to_mapping` returns them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def load_preprocessor(path: Path) -> dict[str, Any]:
    """Read what `save_preprocessor` wrote.

    Raises:
        DataError: The file is missing or no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"there is no {path}; train the model first") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}; remove the run and train again") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no object; remove the run and train again")
    return values


def save_progress(
    directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write all that `load_progress` needs into one file, `last.safetensors`."""
    tensors = {f"model.{name}": value for name, value in _plain(model.state_dict()).items()}
    for index, state in optimizer.state_dict()["state"].items():
        for moment in _MOMENTS:
            tensors[f"optimizer.{index}.{moment}"] = torch.as_tensor(state[moment])
    _replace(directory / LAST, tensors, {"progress": json.dumps(asdict(progress))})


def read_progress(directory: Path) -> Progress | None:
    """Read how far a run is, without its weights; None where nothing was saved.

    Raises:
        DataError: The checkpoint is damaged.
    """
    path = directory / LAST
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            return Progress(**json.loads(file.metadata()["progress"]))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}; remove the run to start again") from error


def load_progress(directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Continue where `save_progress` left off; a fresh Progress where nothing was saved.

    Raises:
        DataError: The checkpoint is damaged, or of a model of another shape.
    """
    path = directory / LAST
    if not path.exists():
        return Progress()
    try:
        with safe_open(path, framework="pt") as file:
            progress = json.loads(file.metadata()["progress"])
        tensors = load_file(path)
        prefix = "model."
        model.load_state_dict(
            {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        )
        _load_moments(optimizer, tensors)
        return Progress(**progress)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} does not fit: {error}; remove the run to start again") from error


def _load_moments(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    plain = optimizer.state_dict()
    indices = {int(name.split(".")[1]) for name in tensors if name.startswith("optimizer.")}
    plain["state"] = {
        index: {moment: tensors[f"optimizer.{index}.{moment}"] for moment in _MOMENTS}
        for index in indices
    }
    optimizer.load_state_dict(plain)


def _plain(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in weights.items()}


def _replace(
    path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    with written_whole(path) as partial:
        save_file(tensors, partial, metadata)
