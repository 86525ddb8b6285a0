"""What each part of a recipe is worth: variants of it, trained and measured on dev in one command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError
from seqserve.training.checkpoint import copy_whole
from seqserve.training.cost import read_log
from seqserve.training.recipe import LoopConfig, Recipe, Variant, verify_recipe
from seqserve.training.run import run_recipe

# What is learnt before training, and the keys of [text] that decide it.
_SHARED = {
    "text.json": ("labels", "reader", "unlabelled"),
    "vectors.txt": ("labels", "reader", "unlabelled", "vectors"),
    "pretrained.safetensors": ("labels", "reader", "unlabelled", "vectors", "pretraining"),
}
_KEYS = _SHARED["pretrained.safetensors"]


def variant_recipe(recipe: Recipe, variant: Variant) -> Recipe:
    """Return the recipe of a variant.

    Raises:
        ConfigError: It leaves out a key that `[text]` does not have, or `[ablation.loop]` has an
            unknown one.
    """
    unknown = sorted(set(variant.without) - recipe.text.keys())
    if unknown:
        raise ConfigError(
            f"{recipe.name}: variant {variant.name!r} leaves out {', '.join(unknown)}; "
            f"[text] has {', '.join(sorted(recipe.text))}"
        )
    kept = {key: value for key, value in recipe.text.items() if key not in variant.without}
    changed = {**to_mapping(recipe.loop), **recipe.ablation.loop}
    loop = from_mapping(LoopConfig, changed, f"{recipe.name} [ablation.loop]")
    return replace(recipe, text={**kept, **variant.text}, loop=loop)


def ablate(recipe: Recipe, root: Path, runs: Path) -> dict[str, Any]:
    """Train every variant of a recipe and measure it on dev; resumes, and trains nothing twice.

    Args:
        recipe: With its `[ablation]`.
        root: Where the data sets are.
        runs: Has the recipe's own run, from which vocabulary, vectors and language model are taken;
            gets one run per variant, in `NAME.variants`.

    Returns:
        The table: `columns`, `rows` of a `name` and its `metrics` on dev at the best step, `command`.

    Raises:
        ConfigError: The recipe has no variants, or its own run was made from another recipe.
    """
    if not recipe.ablation.variants:
        raise ConfigError(f"{recipe.name} has no [[ablation.variants]]")
    own = runs / recipe.name
    if own.is_dir():
        verify_recipe(recipe, own)
    rows = []
    for variant in recipe.ablation.variants:
        made = variant_recipe(recipe, variant)
        directory = runs / f"{recipe.name}.variants" / _digest(made)
        _take_shared(own, directory, [k for k in _KEYS if made.text.get(k) == recipe.text.get(k)])
        progress = run_recipe(made, root, directory)
        rows.append({"name": variant.name, "metrics": _metrics(directory, progress.best_step)})
    return {
        "columns": list(rows[0]["metrics"]),
        "rows": rows,
        "command": f"make ablate RECIPE=recipes/{recipe.name}.toml",
    }


def _digest(recipe: Recipe) -> str:
    """Name a run by all that decides it, its length included: what is changed is trained anew."""
    settings = json.dumps([recipe.identity(), recipe.settings_json()], sort_keys=True)
    return hashlib.sha256(settings.encode()).hexdigest()[:12]


def _take_shared(run: Path, directory: Path, same_keys: Collection[str]) -> None:
    """Copy what the recipe's own run has learnt from the same values of [text]."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, keys in _SHARED.items():
        is_there = (run / name).exists() and not (directory / name).exists()
        if is_there and set(keys) <= set(same_keys):
            copy_whole(run / name, directory / name)


def _metrics(directory: Path, step: int) -> dict[str, float]:
    """Return what was measured on dev at a step."""
    line = next(line for line in read_log(directory / "log.jsonl") if line["step"] == step)
    return {name: value for name, value in line.items() if name.startswith("dev_")}
