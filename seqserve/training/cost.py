"""Training cost of a model: steps, time and hardware, from the logs of its runs. Does not import torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping
from seqserve.training.run_recipe import begun_with

START_COST = "start.json"
"""The record of a run that starts from a bundle: `training.json` of that bundle."""

_LOG = "log.jsonl"


@dataclass(frozen=True)
class Stage:
    """The cost of one run; None or empty where its log does not record it.

    Args:
        name: The run, as a path below the folder of runs.
        steps: Optimizer steps.
        seconds: Time of training and of evaluation on dev, without what precedes the first step.
        hardware: Names of the hardware; several if the run was resumed elsewhere.
    """

    name: str
    steps: int | None = None
    seconds: float | None = None
    hardware: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingCost:
    """The cost of a model by stage: the runs that it started from, then its own run."""

    stages: tuple[Stage, ...]


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read the complete lines of a `log.jsonl`; none if there is no file."""
    if not path.exists():
        return []
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines


def read_training_cost(run: Path) -> TrainingCost:
    """Read the cost of a run, of its language model and of the run that it started from.

    Raises:
        ConfigError: One of the runs has no readable `recipe.json`.
    """
    return TrainingCost(tuple(_stages(run)))


def read_cost(path: Path) -> TrainingCost:
    """Read a recorded training cost, such as `training.json` of a bundle."""
    return from_mapping(TrainingCost, json.loads(path.read_bytes()), str(path))


def _stages(run: Path) -> Iterator[Stage]:
    text = begun_with(run).get("text", {}) if run.is_dir() else {}
    if text.get("start"):
        yield from _stages(run.parent / text["start"])
    if (run / START_COST).exists():
        yield from read_cost(run / START_COST).stages
    if "pretraining" in text:
        yield _stage(f"{run.name}/language_model", run / "language_model" / _LOG)
    yield _stage(run.name, run / _LOG)


def _stage(name: str, log: Path) -> Stage:
    lines = read_log(log)
    if not lines:
        return Stage(name)
    seconds = [line["seconds"] for line in lines if "seconds" in line]
    return Stage(
        name,
        lines[-1]["step"],
        round(sum(seconds), 1) if len(seconds) == len(lines) else None,
        tuple(dict.fromkeys(line["hardware"] for line in lines if "hardware" in line)),
    )
