"""What each part of a recipe is worth: variants of it, trained and measured on dev in one command."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError
from seqserve.training.recipe import LoopConfig, Recipe, Variant
from seqserve.training.run import run_recipe

# What is learnt before training, from settings that the variants share.
_SHARED = ("text.json", "vectors.txt", "pretrained.safetensors")


def variant_recipe(recipe: Recipe, variant: Variant) -> Recipe:
    """Give the recipe of a variant.

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
        The table: `columns`, `rows` of a `name` and its `figures` on dev at the best step, `command`.

    Raises:
        ConfigError: The recipe has no variants.
    """
    if not recipe.ablation.variants:
        raise ConfigError(f"{recipe.name} has no [[ablation.variants]]")
    rows = []
    for number, variant in enumerate(recipe.ablation.variants, 1):
        directory = runs / f"{recipe.name}.variants" / str(number)
        _take_shared(runs / recipe.name, directory, variant)
        progress = run_recipe(variant_recipe(recipe, variant), root, directory)
        rows.append({"name": variant.name, "figures": _figures(directory, progress.best_step)})
    return {
        "columns": list(rows[0]["figures"]),
        "rows": rows,
        "command": f"make ablate RECIPE=recipes/{recipe.name}.toml",
    }


def _take_shared(run: Path, directory: Path, variant: Variant) -> None:
    """Copy what the variant has in common with the recipe's own run."""
    directory.mkdir(parents=True, exist_ok=True)
    other_vectors = "vectors" in variant.text or "vectors" in variant.without
    shared = set(_SHARED) - ({"vectors.txt"} if other_vectors else set())
    for name in shared:
        if (run / name).exists() and not (directory / name).exists():
            shutil.copy(run / name, directory / name)


def _figures(directory: Path, step: int) -> dict[str, float]:
    """Give what was measured on dev at a step."""
    lines = (directory / "log.jsonl").read_text(encoding="utf-8").splitlines()
    line = next(line for line in map(json.loads, lines) if line["step"] == step)
    return {name: value for name, value in line.items() if name.startswith("dev_")}
