"""What an operator may change about the loaded models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["reload", "load", "unload", "drop"]


@dataclass(frozen=True)
class Change:
    """A command to the engines of a task.

    Args:
        action: `reload`: load what is new in the folder, and unload what is gone. `load`, `unload`: one model,
            by name or id. `drop`: release models that are unloading, now that no request needs them.
        models: Names or ids; none for `reload`.
    """

    action: Action
    models: tuple[str, ...] = ()
