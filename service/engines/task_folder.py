"""The folder of the bundles as one task sees it: its bundles by preference, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqserve.errors import ConfigError
from seqserve.tasks import Task
from service.engines.entries import is_named
from service.engines.repository import (
    FoundBundle,
    UnreadableBundle,
    check_distinct,
    explain_missing,
    find_bundles,
    newest_first,
)
from service.settings import Settings


class NoBundle(Exception):
    """There is no bundle of the task."""


@dataclass(frozen=True)
class Scan:
    """What a folder has.

    Args:
        bundles: Of the task, in order of preference: the default of the settings, then the newest first.
        unreadable: What this task reports of the directories whose manifests do not tell a task: those that
            were of this task, and of the first task also those that were of none.
    """

    bundles: list[FoundBundle]
    unreadable: list[UnreadableBundle]


class TaskFolder:
    """Finds the bundles of one task.

    Args:
        task: The task.
        settings: Where the bundles are, and which is the default.
        only: The name or id of the only bundle to find; None finds all.
    """

    def __init__(self, task: Task, settings: Settings, only: str | None) -> None:
        self._task: Task = task
        self._settings = settings
        self._only = only
        self._of_others: set[Path] = set()  # directories that had a bundle of another task

    def scan(self, known: Iterable[FoundBundle] = ()) -> Scan:
        """Look into the folder.

        Args:
            known: The bundles of the models that there are. One whose manifest cannot be read any more
                counts as found.

        Raises:
            NoBundle: There is no bundle.
            ConfigError: Two have the same id, or the default model is none of them.
        """
        folder = self._settings.bundles_dir
        of_all_tasks, unreadable = find_bundles(folder)
        found = [one for one in of_all_tasks if one.task == self._task]
        own = {one.path for one in found}
        self._of_others |= {one.path for one in of_all_tasks} - own
        self._of_others -= own
        broken = {one.path for one in unreadable}
        kept = [one for one in known if one.path in broken]
        found += kept
        if not found:
            raise NoBundle(explain_missing(folder, self._task, unreadable))
        if self._only is not None:
            chosen = [one for one in found if is_named(one, (self._only,))]
            found = chosen or found  # the request's error lists what there is
        check_distinct(found)
        self.check_default(found)
        default = self._settings.default_model_of(self._task) or ""
        ordered = sorted(newest_first(found), key=lambda one: not is_named(one, (default,)))
        return Scan(ordered, self._reported(unreadable, {one.path for one in kept}))

    def check_default(self, found: Sequence[FoundBundle]) -> None:
        """Check that the default model of the settings is there.

        Raises:
            ConfigError: It is none of the bundles.
        """
        default = self._settings.default_model_of(self._task)
        if default is None or self._only is not None:
            return
        if not any(is_named(one, (default,)) for one in found):
            known = ", ".join(one.id for one in newest_first(found))
            raise ConfigError(
                f"SEQSERVE_DEFAULT_MODELS: no bundle of {self._task} is named {default}; there is: {known}"
            )

    def _reported(
        self, unreadable: Iterable[UnreadableBundle], own: set[Path]
    ) -> list[UnreadableBundle]:
        is_first = self._settings.tasks[0] == self._task
        return [
            one
            for one in unreadable
            if one.path in own or (is_first and one.path not in self._of_others)
        ]
