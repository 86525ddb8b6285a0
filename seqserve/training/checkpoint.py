"""Checkpoints: safetensors for tensors, JSON for the rest; written atomically, resumed bit for bit."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from seqserve.errors import DataError

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


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the weights of a model; tied ones once."""
    _replace(path, {name: value.contiguous() for name, value in model.state_dict().items()})


def load_weights(model: nn.Module, path: Path) -> None:
    """Read the weights that `save_weights` wrote.

    Raises:
        DataError: The file is missing.
    """
    if not path.exists():
        raise DataError(f"there are no weights at {path}; train the model first")
    model.load_state_dict(load_file(path))


def save_text_side(values: dict[str, Any], path: Path) -> None:
    """Write the vocabularies of a run, as a text side's `to_mapping` gives them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def load_text_side(path: Path) -> dict[str, Any]:
    """Read what `save_text_side` wrote.

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
    """Write all that `load_progress` needs into `last.safetensors` and `last.json`.

    The step stands in both files, so that a run killed between the two writes is noticed.
    """
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for moment in _MOMENTS:
            tensors[f"optimizer.{index}.{moment}"] = torch.as_tensor(state[moment])
    tensors["progress.step"] = torch.tensor(progress.step)
    _replace(directory / "last.safetensors", tensors)
    text = json.dumps(asdict(progress))
    partial = directory / "last.json.partial"
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, directory / "last.json")


def load_progress(directory: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Continue where `save_progress` left off; a fresh Progress where nothing was saved."""
    path = directory / "last.safetensors"
    if not path.exists():
        return Progress()
    tensors = load_file(path)
    step = int(tensors.pop("progress.step"))
    record = directory / "last.json"
    saved = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    if saved.get("step") != step:
        raise DataError(
            f"{path} is at step {step}, {record} at {saved.get('step')}: the run was killed while it "
            "saved. Remove both to start again."
        )
    prefix = "model."
    model.load_state_dict(
        {
            name.removeprefix(prefix): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
    )
    _load_moments(optimizer, tensors)
    return Progress(**saved)


def _load_moments(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    plain = optimizer.state_dict()
    indices = {int(name.split(".")[1]) for name in tensors if name.startswith("optimizer.")}
    plain["state"] = {
        index: {moment: tensors[f"optimizer.{index}.{moment}"] for moment in _MOMENTS}
        for index in indices
    }
    optimizer.load_state_dict(plain)


def _replace(path: Path, tensors: dict[str, Tensor]) -> None:
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, partial)
    os.replace(partial, path)
