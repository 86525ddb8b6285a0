"""A recipe: what one model is trained on and how. One TOML file each, in recipes/.

Only what differs from the dataclass defaults stands in the file. `[text]` and `[model]` belong to the
task, which reads them into its own configs.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError
from seqserve.manifest import Task


@dataclass(frozen=True)
class DataSet:
    """One folder of data and how it may be used.

    Args:
        path: Folder below the data root; holds `train`, `dev` or `test` files.
        licence: Terms of the data, for the manifest and the model card.
        about: What kind of text it is, in a few words.
        skip: Leave out the lines from the first number to before the second (translation train only).
    """

    path: str
    licence: str
    about: str = ""
    skip: tuple[int, int] | None = None


@dataclass(frozen=True)
class DataConfig:
    """Which sets train the model, which choose it, which measure it."""

    train: tuple[DataSet, ...]
    dev: tuple[DataSet, ...]
    test: tuple[DataSet, ...] = ()


@dataclass(frozen=True)
class LoopConfig:
    """How the loop trains.

    Args:
        max_steps: Optimiser steps in all.
        batch_tokens: Padded tokens of a batch.
        learning_rate: Peak rate of AdamW.
        warmup_steps: Steps of linear rise to the peak.
        decay_steps: Last steps, of linear fall to zero; between the two the rate is constant, so a
            run can be lengthened or cut by resuming it with another `max_steps`.
        beta2: AdamW's second-moment decay.
        weight_decay: AdamW's decay, on matrices only.
        clip_norm: Largest gradient norm.
        evaluate_every: Steps between evaluations on dev.
        patience: Evaluations without a better dev metric before the run stops.
        seed: Fixes data order, initial weights and dropout.
        bf16: Autocast to bfloat16; weights and optimiser stay float32.
    """

    max_steps: int
    batch_tokens: int
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    decay_steps: int = 0
    beta2: float = 0.999
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    evaluate_every: int = 500
    patience: int = 1000
    seed: int = 1
    bf16: bool = False


@dataclass(frozen=True)
class CardConfig:
    """What the model card says in words: what the model is for, and what it is not good at."""

    summary: str = ""
    limits: str = ""


@dataclass(frozen=True)
class Recipe:
    """Everything that `train` and `export` need to know about one model."""

    name: str
    version: str
    task: Task
    languages: tuple[str, ...]
    licence: str
    data: DataConfig
    loop: LoopConfig
    text: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    card: CardConfig = field(default_factory=CardConfig)

    def settings_json(self) -> str:
        """Give `[text]`, `[model]` and `[loop]`, defaults of the loop included, as JSON text."""
        settings = {"text": self.text, "model": self.model, "loop": to_mapping(self.loop)}
        return json.dumps(settings, indent=2, ensure_ascii=False)


def read_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe file.

    Args:
        path: The TOML file.
        overrides: Values of `[loop]` that replace the file's, such as `max_steps`.

    Raises:
        ConfigError: The file is missing or not TOML, or has an unknown key or a wrong type.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no recipe {path}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    if overrides:
        values["loop"] = {**values.get("loop", {}), **overrides}
    return from_mapping(Recipe, values, str(path))


def sets_of(recipe: Recipe, split: str) -> tuple[DataSet, ...]:
    """Give the data sets that a recipe names for a split.

    Raises:
        ConfigError: There is no such split.
    """
    known = {field.name: getattr(recipe.data, field.name) for field in fields(recipe.data)}
    if split not in known:
        raise ConfigError(f"there is no split {split!r}; there are {', '.join(known)}")
    return tuple(known[split])
