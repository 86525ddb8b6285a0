"""Ablation: train variants of a recipe and measure each on dev, to see what its parts contribute."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError
from seqserve.quoting import cut
from seqserve.training.checkpoint import copy_whole
from seqserve.training.cost import read_log
from seqserve.training.recipe import Recipe, Variant
from seqserve.training.run import check_settings, run_recipe
from seqserve.training.run_recipe import verify_recipe

_SECTIONS = tuple(f.name for f in fields(Variant) if f.name not in ("name", "without"))

# What a run learns before training, and the settings that decide it.
_VOCABULARY = ("data.train", "text.labels", "text.reader", "text.unlabelled")
_VECTORS = (*_VOCABULARY, "text.vectors", "model.word_dim")
_SHARED = {
    "text.json": _VOCABULARY,
    "vectors.txt": _VECTORS,
    "pretrained.safetensors": (*_VECTORS, "text.pretraining", "data.dev", "model", "loop.seed"),
}


def variant_recipe(recipe: Recipe, variant: Variant) -> Recipe:
    """Return the recipe of a variant.

    Raises:
        ConfigError: It leaves out a key that the recipe does not have, or sets an unknown one.
    """
    where = f"{recipe.name}: variant {cut(variant.name)!r}"
    values = to_mapping(recipe)
    for key in variant.without:
        _leave_out(values, key if "." in key else f"text.{key}", where)
    values["loop"] |= recipe.ablation.loop
    for section in _SECTIONS:
        values[section] = _merged(values[section], getattr(variant, section))
    made = from_mapping(Recipe, values, where)
    check_settings(made)
    return made


def _leave_out(values: dict[str, Any], key: str, where: str) -> None:
    """Remove a dotted key from the values of a recipe.

    Raises:
        ConfigError: The recipe does not have it.
    """
    *tables, last = key.split(".")
    table: Any = values
    for name in tables:
        table = table.get(name) if isinstance(table, dict) else None
    if tables[0] not in _SECTIONS or not isinstance(table, dict) or last not in table:
        known = sorted(table) if isinstance(table, dict) and tables[0] in _SECTIONS else _SECTIONS
        parent = ".".join(tables) if known is not _SECTIONS else "a recipe"
        raise ConfigError(f"{where} leaves out {key}; {parent} has {', '.join(known)}")
    del table[last]


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with the changes; tables in both are merged, all else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def ablate(recipe: Recipe, root: Path, runs: Path) -> dict[str, Any]:
    """Train every variant of a recipe and measure it on dev.

    A run that was stopped is resumed, and a finished one is not trained again.

    Args:
        recipe: With its `[ablation]`.
        root: Where the data sets are.
        runs: Has the recipe's own run, from which vocabulary, vectors and language model are taken.
            Each variant gets a run `NAME.variant-DIGEST`.

    Returns:
        The table: `columns`, `rows` of a `name` and its `metrics` on dev at the best step, `command`.

    Raises:
        ConfigError: The recipe has no variants, a variant has an unknown key, or the recipe's own run
            was made from another recipe.
    """
    if not recipe.ablation.variants:
        raise ConfigError(f"{recipe.name} has no [[ablation.variants]]")
    made = [variant_recipe(recipe, variant) for variant in recipe.ablation.variants]
    own = runs / recipe.name
    if own.is_dir():
        verify_recipe(recipe, own)
    rows = []
    for variant, changed in zip(recipe.ablation.variants, made, strict=True):
        directory = runs / f"{recipe.name}.variant-{_digest(changed)}"
        _copy_shared(recipe, own, changed, directory)
        progress = run_recipe(changed, root, directory)
        rows.append({"name": variant.name, "metrics": _metrics(directory, progress.best_step)})
    return {
        "columns": list(rows[0]["metrics"]),
        "rows": rows,
        "command": f"make ablate RECIPE={recipe.path or f'recipes/{recipe.name}.toml'}",
    }


def _digest(recipe: Recipe) -> str:
    """Return a name for a run by all its settings, its length included."""
    settings = json.dumps([recipe.identity(), recipe.settings_json()], sort_keys=True)
    return hashlib.sha256(settings.encode()).hexdigest()[:12]


def _copy_shared(recipe: Recipe, run: Path, variant: Recipe, directory: Path) -> None:
    """Copy what the recipe's own run has learnt with settings that are the variant's too."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, settings in _SHARED.items():
        is_new = (run / name).exists() and not (directory / name).exists()
        if is_new and all(_setting(recipe, key) == _setting(variant, key) for key in settings):
            copy_whole(run / name, directory / name)


def _setting(recipe: Recipe, key: str) -> Any:
    """Return the value of a dotted key; None where the recipe does not have it."""
    value: Any = to_mapping(recipe)
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _metrics(directory: Path, step: int) -> dict[str, float]:
    """Return what was measured on dev at a step."""
    line = next(line for line in read_log(directory / "log.jsonl") if line["step"] == step)
    return {name: value for name, value in line.items() if name.startswith("dev_")}
