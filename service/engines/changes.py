"""What an operator may change about the loaded models, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Changes:
    """What a command changed.

    Args:
        loaded: Ids of the models that were loaded and now answer.
        unloading: Ids of the models that are released when the requests that they had accepted are answered.
        failed: Why bundles could not be loaded, by id.
        fault: Why the command was refused as a whole; None if it was not.
    """

    loaded: tuple[str, ...] = ()
    unloading: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done."""
        return not (self.loaded or self.unloading or self.failed or self.fault)
