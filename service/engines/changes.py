"""What an operator may change about the loaded models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["reload", "load", "unload", "drop", "warm", "evict"]


@dataclass(frozen=True)
class Change:
    """A command to the engines of a task.

    Args:
        action: `reload`: load what is new in the folder, and unload what is gone. `load`, `unload`: one model,
            by name or id. `drop`: release models that are unloading or evicted, now that no request needs
            them. `warm`: load unloaded models for requests. `evict`: make models unloaded; until they are
            dropped, they answer the requests that they had accepted.
        models: Names or ids for `load` and `unload`, else ids; none for `reload`.
    """

    action: Action
    models: tuple[str, ...] = ()
