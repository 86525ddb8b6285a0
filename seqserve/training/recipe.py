"""Recipes: the data, the model and the training of one model, as a TOML file.

A key that the file leaves out has the default of its dataclass. The keys of `[text]` and `[model]` depend
on the task, which reads them into its own configs.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from seqserve.config import from_mapping, refuse_below_one, to_mapping
from seqserve.errors import ConfigError
from seqserve.files import as_typed
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task
from seqserve.training.recipe_data import TASKS_OF_SETTING, DataConfig, default_of


@dataclass(frozen=True)
class LoopConfig:
    """How the loop trains.

    Args:
        max_steps: Number of optimizer steps.
        batch_tokens: Tokens of a batch, padding included.
        learning_rate: Peak learning rate of AdamW.
        warmup_steps: Steps in which the rate rises linearly to its peak.
        decay_steps: Last steps, in which the rate falls linearly to zero. It is constant in between, so a
            run can be resumed with another `max_steps`.
        beta2: Decay of AdamW's second moment.
        weight_decay: Weight decay of AdamW, for matrices only.
        clip_norm: Gradients with a larger norm are scaled down to it.
        evaluate_every: Steps between two evaluations on dev, each with a checkpoint.
        patience: Evaluations without a better metric on dev after which the run stops.
        seed: Seed of data order, initial weights and dropout.
        bf16: Autocast to bfloat16; weights and optimizer state stay float32. `auto`: where the hardware
            computes in bfloat16 natively; a resumed run keeps what it began with.
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
    bf16: Literal["auto", True, False] = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A count is below 1.
        """
        counts = ("max_steps", "batch_tokens", "evaluate_every", "patience")
        refuse_below_one(self, counts, "[loop]")


@dataclass(frozen=True)
class CardConfig:
    """The words of the model card.

    Args:
        summary: What the model is.
        intended_use: Intended users and uses.
        limits: Known limits.
        ablation: JSON file that `ablate` wrote, as a path from the working directory.
    """

    summary: str = ""
    intended_use: str = ""
    limits: str = ""
    ablation: str = ""


@dataclass(frozen=True)
class ExportConfig:
    """What becomes of the weights of a finished run.

    Args:
        start_share: Share of the weights that the run started from; the rest are the best ones of the run. For
            recipes with `start` or `start_bundle` in `[text]`; `dev interpolate` measures shares on dev.
    """

    start_share: float = 0.0

    def __post_init__(self) -> None:
        """Raises ConfigError: the share is not one."""
        if not 0 <= self.start_share < 1:
            raise ConfigError(f"[export] start_share is {self.start_share}; allowed: 0 to below 1")


@dataclass(frozen=True)
class Variant:
    """One row of an ablation table: what differs from the recipe.

    Args:
        name: Name of the row.
        without: Keys that it leaves out, such as `text.vectors`, so that their defaults hold. A key without
            a section is one of `[text]`.
        text: Values of `[text]` that it sets. Tables are merged into the recipe's; lists replace them.
        model: Values of `[model]` that it sets.
        loop: Values of `[loop]` that it sets.
        data: Lists of data sets that it sets.
    """

    name: str
    without: tuple[str, ...] = ()
    text: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    loop: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AblationConfig:
    """The variants of a recipe that `ablate` compares.

    Args:
        variants: The rows of the table.
        loop: Values of `[loop]` for all of them, such as fewer steps; a variant's own take precedence.
    """

    variants: tuple[Variant, ...] = ()
    loop: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """Everything that `train` and `export` need to know about one model.

    Args:
        name: Name of the run and of the bundle: letters, digits, dots, hyphens and underscores.
        version: Version of the bundle.
        task: `ner`, `sentiment`, `classification` or `translation`.
        languages: Language code of the texts; for translation, source and target.
        licence: Licence of the weights.
        data: Data sets: `[[data.train]]` to learn from, `[[data.dev]]` to select the best weights,
            `[[data.test]]` to measure them, `[[data.calibration]]` to calibrate its scores.
        loop: See `[loop]`.
        text: See `[text]`.
        model: See `[model]`.
        export: See `[export]`.
        card: See `[card]`.
        ablation: See `[ablation]`.
        path: The file, as one types it from the working directory. Set by `read_recipe`, not in the file.
    """

    name: str
    version: str
    task: Task
    languages: tuple[str, ...]
    licence: str
    data: DataConfig
    loop: LoopConfig
    text: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    export: ExportConfig = field(default_factory=ExportConfig)
    card: CardConfig = field(default_factory=CardConfig)
    ablation: AblationConfig = field(default_factory=AblationConfig)
    path: str = ""

    def __post_init__(self) -> None:
        """Check what the types do not express.

        Raises:
            ConfigError: The name is not a file name, there is no training or dev set, two sets have one name,
                the number of languages is wrong, or weights of a start are to be exported that there is not.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise ConfigError(
                f"name is {cut(self.name)!r}; runs and bundles are folders of that name, so it must be "
                "letters, digits, dots, hyphens and underscores, a letter or digit first"
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
        self._refuse_settings_of_other_tasks()
        if self.export.start_share and not {"start", "start_bundle"} & self.text.keys():
            raise ConfigError(
                f"{self.name}: [export] start_share needs start or start_bundle in [text]; remove it"
            )
        wanted = TASKS[self.task].n_languages
        if len(self.languages) != wanted:
            raise ConfigError(f"{self.name}: {self.task} needs {wanted} languages")

    def _refuse_settings_of_other_tasks(self) -> None:
        """Raises ConfigError: a data set has a setting that would have no effect in this task."""
        data = self.data
        for dataset in (*data.train, *data.dev, *data.test, *data.calibration):
            for name, tasks in TASKS_OF_SETTING.items():
                if self.task not in tasks and getattr(dataset, name) != default_of(name):
                    raise ConfigError(
                        f"{self.name}: {dataset.path} sets {name}, which only recipes of the task "
                        f"{' or '.join(tasks)} have; remove it"
                    )

    @property
    def architecture(self) -> str:
        """The model's architecture: `architecture` of `[model]`, or the task's default."""
        return str(self.model.get("architecture", TASKS[self.task].default_architecture))

    @property
    def model_settings(self) -> dict[str, Any]:
        """`[model]` without the architecture's name."""
        return {key: value for key, value in self.model.items() if key != "architecture"}

    def identity(self) -> dict[str, Any]:
        """Return the settings that a resumed run must share; its length may change."""
        return {
            "task": self.task,
            "languages": list(self.languages),
            "text": self.text,
            "model": self.model,
            "train": [
                [
                    *(s.path, s.skip, s.split, s.labels, s.weight, s.joins, s.lower),
                    *(s.limit, s.label, s.language),
                ]
                for s in self.data.train
            ],
            "seed": self.loop.seed,
            "batch_tokens": self.loop.batch_tokens,
        }

    def settings_json(self) -> str:
        """Return `[text]`, `[model]`, `[loop]` and, if it is not empty, `[export]` as JSON text."""
        settings = {"text": self.text, "model": self.model, "loop": to_mapping(self.loop)}
        if self.export != ExportConfig():
            settings["export"] = to_mapping(self.export)
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
    if "path" in values:
        raise ConfigError(f"{path}: path is no key of a recipe; remove it")
    return replace(from_mapping(Recipe, values, str(path)), path=as_typed(path))
