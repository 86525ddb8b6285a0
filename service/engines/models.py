"""The models of one task in this process: which are loaded, which failed, and which is the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seqserve.errors import ConfigError
from seqserve.model_info import ModelInfo
from seqserve.tasks import Task
from service.engines.opening import LoadedModel, OpenFailure, open_model
from service.engines.repository import (
    FoundBundle,
    check_distinct,
    describe_found,
    explain_missing,
    find_bundles,
    newest_first,
    select_default,
)
from service.settings import Settings

FAILED_SENTENCE = "no model could be loaded, see the log"
MISSING_SENTENCE = "no bundle of this task was found"


@dataclass(frozen=True)
class Status:
    """What the engines of a task report.

    Args:
        models: In order of preference: the default, then the newest first.
        reason: Why no model is ready; None if one is.
    """

    models: tuple[ModelInfo, ...] = ()
    reason: str | None = None


class _NoBundle(Exception):
    """There is no bundle of the task."""


class Models:
    """The models of a task.

    Args:
        task: The task.
        settings: Where the bundles are, what opens them, and which is the default.
        only: The name or id of the only model to load; None loads all.
    """

    def __init__(self, task: Task, settings: Settings, only: str | None = None) -> None:
        self._task: Task = task
        self._settings = settings
        self._only = only
        self._loaded: Mapping[str, LoadedModel] = {}  # by id
        self.status = Status(reason=MISSING_SENTENCE)

    def get(self, model_id: str) -> LoadedModel | None:
        """Return a loaded model."""
        return self._loaded.get(model_id)

    def load(self) -> str | None:
        """Load all bundles of the task.

        Returns:
            For the operator, in full, why no model is ready or the default is missing; None if all is well.
        """
        try:
            found = self._find()
        except (ConfigError, OSError) as error:
            self.status = Status(reason=FAILED_SENTENCE)
            return str(error)
        except _NoBundle as error:
            return str(error)
        opened = {
            one.id: open_model(self._task, one, self._settings.engine_factory) for one in found
        }
        self._loaded = {
            name: model for name, model in opened.items() if isinstance(model, LoadedModel)
        }
        infos = [_info_of(one, opened[one.id], self._task) for one in found]
        self.status = Status(self._by_preference(infos), None if self._loaded else FAILED_SENTENCE)
        if not self._loaded:
            return "; ".join(one.fault for one in opened.values() if isinstance(one, OpenFailure))
        return None

    def _find(self) -> list[FoundBundle]:
        """Return the bundles to load, the newest first.

        Raises:
            _NoBundle: There is none.
            ConfigError: Two have the same id, or the default model is none of them.
        """
        folder = self._settings.bundles_dir
        found, unreadable = find_bundles(folder, self._task)
        if not found:
            raise _NoBundle(explain_missing(folder, self._task, unreadable))
        if self._only is not None:
            chosen = [one for one in found if self._only in (one.name, one.id)]
            found = chosen or found  # the request's error lists what there is
        check_distinct(found)
        self._check_default(found)
        return newest_first(found)

    def _check_default(self, found: Sequence[FoundBundle]) -> None:
        default = self._settings.default_model_of(self._task)
        names = {name for one in found for name in (one.name, one.id)}
        if default is not None and self._only is None and default not in names:
            known = ", ".join(one.id for one in newest_first(found))
            raise ConfigError(
                f"SEQSERVE_DEFAULT_MODELS: no bundle of {self._task} is named {default}; there is: {known}"
            )

    def _by_preference(self, infos: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
        default = select_default(infos, self._settings.default_model_of(self._task))
        marked = (replace(one, is_default=one is default) for one in infos)
        return tuple(sorted(marked, key=lambda one: not one.is_default))


def _info_of(found: FoundBundle, opened: LoadedModel | OpenFailure, task: Task) -> ModelInfo:
    if isinstance(opened, LoadedModel):
        return opened.info
    return replace(describe_found(found, task), state="failed", reason=opened.reason)
