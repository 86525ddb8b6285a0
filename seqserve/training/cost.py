"""What a model took: steps, time and hardware, read from the logs of its runs; knows no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqserve.training.recipe import begun_with

_LOG = "log.jsonl"


@dataclass(frozen=True)
class Stage:
    """What one run took; None and empty where its log does not say.

    Args:
        name: The run's folder, seen from the folder of runs.
        steps: Optimiser steps.
        seconds: Of training and evaluation on dev; what is read or learnt before the first step aside.
        hardware: What it ran on; several where the run was resumed elsewhere.
    """

    name: str
    steps: int | None = None
    seconds: float | None = None
    hardware: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingCost:
    """What a model took: its own run last, before it the runs that it started from."""

    stages: tuple[Stage, ...]


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a `log.jsonl` up to one that a kill cut; none if there is no file."""
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
    """Sum up the log of a run, of its language model's, and of the run beside it that it started from.

    Raises:
        ConfigError: One of the runs has no readable `recipe.json`.
    """
    return TrainingCost(tuple(_stages(run)))


def _stages(run: Path) -> Iterator[Stage]:
    text = begun_with(run).get("text", {}) if run.is_dir() else {}
    if text.get("start"):
        yield from _stages(run.parent / text["start"])
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
