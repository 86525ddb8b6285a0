"""A recipe: what one model is trained on and how. One TOML file each, in recipes/.

Only what differs from the dataclass defaults stands in the file. `[text]` and `[model]` belong to the
task, which reads them into its own configs.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError
from seqserve.files import written_whole
from seqserve.tasks import TASKS, Task


@dataclass(frozen=True)
class DataSet:
    """One folder of data and how it may be used.

    Args:
        path: Folder below the data root; holds `train`, `dev` or `test` files.
        licence: Terms of the data, for the manifest and the model card.
        about: What kind of text it is, in a few words.
        skip: Leave out the lines from the first number to before the second (translation train only).
        split: Name of the files, where it is not that of the list that the set stands in: a test
            set can be a `dev` that nothing was chosen by, or a `test_2016_flickr`.
        labels: What the set annotates, where that is not all of the model's labels (NER only). The
            others are unlabelled there: not taught as absent, and not counted as errors.
    """

    path: str
    licence: str
    about: str = ""
    skip: tuple[int, int] | None = None
    split: str = ""
    labels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last folder of the path: what metrics of the set begin with."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]


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

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A count is below 1.
        """
        for name in ("max_steps", "batch_tokens", "evaluate_every", "patience"):
            if getattr(self, name) < 1:
                raise ConfigError(f"[loop] {name} is {getattr(self, name)}; it must be at least 1")


@dataclass(frozen=True)
class CardConfig:
    """What the model card says in words.

    Args:
        summary: What the model is.
        intended_use: Who it is for, and for what.
        limits: What it is not good at.
        ablation: JSON file with the metrics of the model's variants, from the project's root; see
            docs/evaluation.md.
    """

    summary: str = ""
    intended_use: str = ""
    limits: str = ""
    ablation: str = ""


@dataclass(frozen=True)
class Variant:
    """One row of an ablation table.

    Args:
        name: What is special about it.
        without: Keys of `[text]` that it leaves out.
        text: Values of `[text]` that it sets.
    """

    name: str
    without: tuple[str, ...] = ()
    text: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AblationConfig:
    """Variants of a recipe that `ablate` compares.

    Args:
        variants: The rows of the table.
        loop: Values of `[loop]` that all of them set, such as fewer steps.
    """

    variants: tuple[Variant, ...] = ()
    loop: dict[str, Any] = field(default_factory=dict)


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
    ablation: AblationConfig = field(default_factory=AblationConfig)

    def __post_init__(self) -> None:
        """Check what the types cannot say.

        Raises:
            ConfigError: The name is no plain one, there is no training or dev set, two sets have one name,
                or the number of languages is wrong.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise ConfigError(
                f"name is {self.name!r}; runs and bundles are folders of that name, so it must be letters, "
                "digits, dots, hyphens and underscores, a letter or digit first"
            )
        for split in ("train", "dev"):
            if not getattr(self.data, split):
                raise ConfigError(f"{self.name} names no {split} set; add [[data.{split}]]")
        for split in ("dev", "test"):
            names = [(s.name, s.split) for s in getattr(self.data, split)]
            if len(set(names)) < len(names):
                raise ConfigError(
                    f"{self.name}: two sets of data.{split} have the same last folder, so their "
                    "metrics would have the same names; rename a folder"
                )
        wanted = TASKS[self.task].n_languages
        if len(self.languages) != wanted:
            raise ConfigError(f"{self.name}: {self.task} needs {wanted} languages")

    @property
    def architecture(self) -> str:
        """The model's architecture: `architecture` of `[model]`, or the task's default."""
        return str(self.model.get("architecture", TASKS[self.task].default_architecture))

    @property
    def model_settings(self) -> dict[str, Any]:
        """`[model]` without the architecture's name."""
        return {key: value for key, value in self.model.items() if key != "architecture"}

    def identity(self) -> dict[str, Any]:
        """Return what must not change while a run goes on; the length of the run may."""
        return {
            "task": self.task,
            "languages": list(self.languages),
            "text": self.text,
            "model": self.model,
            "train": [[s.path, s.skip, s.split, s.labels] for s in self.data.train],
            "seed": self.loop.seed,
            "batch_tokens": self.loop.batch_tokens,
        }

    def settings_json(self) -> str:
        """Return `[text]`, `[model]` and `[loop]`, defaults of the loop included, as JSON text."""
        settings = {"text": self.text, "model": self.model, "loop": to_mapping(self.loop)}
        return json.dumps(settings, indent=2, ensure_ascii=False)


def read_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe file.

    Args:
        path: The TOML file.
        overrides: Values of `[loop]` that replace the file's, such as `max_steps`.

    Raises:
        ConfigError: The file cannot be read or is not TOML, or has an unknown key or a wrong type.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no recipe {path}") from error
    except OSError as error:
        raise ConfigError(f"recipe {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    if overrides:
        values["loop"] = {**values.get("loop", {}), **overrides}
    return from_mapping(Recipe, values, str(path))


def begun_with(directory: Path) -> dict[str, Any]:
    """Return the identity of the recipe that a run was begun with.

    Raises:
        ConfigError: Its `recipe.json` is missing or malformed.
    """
    path = directory / "recipe.json"
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; remove the run") from error
    if not isinstance(begun, dict):
        raise ConfigError(f"{path} holds no object; remove the run")
    return begun


def verify_recipe(recipe: Recipe, directory: Path) -> None:
    """Note in a new run what it is made from; refuse to go on with another recipe.

    Args:
        recipe: What is to be trained or exported.
        directory: The run; gets `recipe.json`.

    Raises:
        ConfigError: The run was begun with other settings; names them.
    """
    path = directory / "recipe.json"
    mine = json.loads(json.dumps(recipe.identity()))
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            partial.write_text(json.dumps(mine, indent=2, ensure_ascii=False), encoding="utf-8")
        return
    begun = begun_with(directory)
    changed = sorted(key for key in mine if mine[key] != begun.get(key))
    if changed:
        raise ConfigError(
            f"{directory} was begun with another {', '.join(changed)}: put the recipe back, "
            "or remove the run"
        )
