"""The recipe that a run was started with: a run is resumed and exported with no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seqserve.errors import ConfigError
from seqserve.files import written_whole
from seqserve.training.recipe import Recipe


def begun_with(directory: Path) -> dict[str, Any]:
    """Return the identity of the recipe that a run was started with.

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
    return _current(begun)


def _current(begun: dict[str, Any]) -> dict[str, Any]:
    """Return the identity of a run in today's form: sets of older runs lack the last fields."""
    defaults = [1.0, {}, False, None, "", ""]
    train = [[*one, *defaults[len(one) - 4 :]] for one in begun.get("train", [])]
    return {**begun, "train": train}


def verify_recipe(recipe: Recipe, directory: Path) -> None:
    """Record the recipe in a new run; refuse to resume a run of another recipe.

    Args:
        recipe: The recipe to train or to export.
        directory: The run; `recipe.json` is written there.

    Raises:
        ConfigError: The run was started with other settings; names them.
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
            f"{directory} was started with another {', '.join(changed)}: restore the recipe, "
            "or remove the run"
        )
