"""The models of one task in this process: load new ones, verify them, swap them in, and release old ones.

A model that takes the place of another is opened and verified beside it. Calls that began with the old one end
with it. A model that is to go stays, as `unloading`, until the gateway says that no request needs it any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seqserve.errors import ConfigError
from seqserve.model_info import Changes, ModelInfo
from seqserve.tasks import Task
from service.engines.changes import Change
from service.engines.entries import (
    Entry,
    Table,
    available,
    changes_between,
    failed_entry,
    is_named,
    is_needed,
    loaded_entry,
)
from service.engines.memory import release_garbage
from service.engines.opening import LoadedModel, OpenFailure, describe_unloaded, open_model
from service.engines.repository import (
    FoundBundle,
    UnreadableBundle,
    newest_first,
    select_default,
)
from service.engines.task_folder import NoBundle, TaskFolder
from service.settings import Settings
from service.telemetry.logs import get_logger

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


class Models:
    """The models of a task. One thread changes them at a time; any number of threads may use them meanwhile.

    With a maximum of loaded models, the default model and the newest others are loaded at start. The others are
    loaded when the gateway asks for them; it also decides which ones are evicted for them.

    Args:
        task: The task.
        settings: Where the bundles are, what opens them, and which is the default.
        only: The name or id of the only model to load; None loads all.
    """

    def __init__(self, task: Task, settings: Settings, only: str | None = None) -> None:
        self._task: Task = task
        self._settings = settings
        self._folder = TaskFolder(task, settings, only)
        self._maximum = settings.max_loaded_models
        self._entries: Table = {}  # by id; replaced as a whole
        self._held: set[str] = set()  # ids that an operator has unloaded
        self._changing = threading.Lock()
        self._without_folder = {
            "unload": self._unload,
            "drop": self._drop,
            "warm": self._warm,
            "evict": self._evict,
        }
        self.status = Status(reason=MISSING_SENTENCE)

    def get(self, model_id: str) -> LoadedModel | None:
        """Return a loaded model."""
        entry = self._entries.get(model_id)
        return None if entry is None else entry.model

    def load(self) -> str | None:
        """Load the bundles of the task, up to the maximum, when the process starts.

        Returns:
            For the operator, in full, why no model is ready or the default is missing; None if all is well.
        """
        try:
            found = self._folder.scan().bundles
        except (ConfigError, OSError) as error:
            self.status = Status(reason=FAILED_SENTENCE)
            return str(error)
        except NoBundle as error:
            return str(error)
        failures = self._load_needed(found).values()
        if self.status.reason is None:
            return None
        return "; ".join(failure.fault for failure in failures)

    def change(self, change: Change) -> Changes:
        """Carry out a command; returns when new models answer, or have failed."""
        with self._changing:
            if change.action in self._without_folder:
                return self._without_folder[change.action](change.models)
            before = self._entries
            try:
                scan = self._folder.scan(entry.found for entry in before.values())
            except (ConfigError, OSError, NoBundle) as error:
                get_logger().error("models not changed", task=self._task, reason=str(error))
                return Changes(fault=str(error))
            if change.action == "load":
                found = [one for one in scan.bundles if is_named(one, change.models)]
                self._held -= {one.id for one in found}
                failed = self._load_changed(found)
                places = {one.path for one in found}
                unreadable = [one for one in scan.unreadable if one.path in places]
            else:
                found = [one for one in scan.bundles if one.id not in self._held]
                failed = self._load_needed(found)
                self._retire_missing(found, failed)
                unreadable = scan.unreadable
            failed |= self._note_unreadable(unreadable)
            return changes_between(before, self._entries, failed)

    def _load_needed(self, found: Iterable[FoundBundle]) -> dict[str, OpenFailure]:
        """Load bundles as `_load_changed`, but leave those unloaded that need not be in memory yet."""
        before, failed = self._entries, dict[str, OpenFailure]()
        is_first = True  # of those that can be loaded, which makes it the default
        for one in found:
            if is_first or is_needed(one, self._entries, before, self._maximum):
                failed |= self._load_changed([one])
                is_first = is_first and self._entries[one.id].state != "ready"
            elif failure := self._leave_unloaded(one):
                failed[one.id] = failure
        return failed

    def _leave_unloaded(self, found: FoundBundle) -> OpenFailure | None:
        """Note a bundle that a request may load; a failed one may be tried again."""
        entry = self._entries.get(found.id)
        if entry is not None and entry.state != "failed" and entry.found.digest == found.digest:
            self._set(found.id, replace(entry, state="unloaded"))
            return None
        known = describe_unloaded(self._task, found)
        if isinstance(known, OpenFailure):
            self._set(found.id, Entry(found, "failed", reason=known.reason))
            return known
        self._set(found.id, Entry(found, "unloaded", known=known))
        return None

    def _load_changed(self, found: Iterable[FoundBundle]) -> dict[str, OpenFailure]:
        """Load the bundles that are new, have changed, or failed before; return the failures by id."""
        failed = {}
        for one in found:
            entry = self._entries.get(one.id)
            if entry is not None and entry.model and entry.found.digest == one.digest:
                self._set(one.id, replace(entry, state="ready", reason=None))
            elif failure := self._open(one):
                failed[one.id] = failure
        return failed

    def _open(self, found: FoundBundle) -> OpenFailure | None:
        """Open a bundle; the model of the same id serves meanwhile, and afterwards if that fails.

        One that is unloaded stays so meanwhile: requests wait for it.
        """
        old = self._entries.get(found.id)
        if old is None or old.state == "failed":
            self._set(found.id, Entry(found, "loading"))
        opened = open_model(self._task, found, self._settings.engine_factory)
        if isinstance(opened, LoadedModel):
            self._set(found.id, loaded_entry(opened, old))
            return None
        self._set(found.id, failed_entry(found, old, opened.reason))
        return opened

    def _note_unreadable(self, unreadable: Iterable[UnreadableBundle]) -> dict[str, OpenFailure]:
        """Note why bundles cannot be read; return that by id, or by place where no model was loaded from it."""
        failed: dict[str, OpenFailure] = {}
        for one in unreadable:
            failure = OpenFailure(f"{one.path}: {one.reason}", one.reason)
            ids = [key for key, entry in self._entries.items() if entry.found.path == one.path]
            for model_id in ids:
                entry = self._entries[model_id]
                self._set(model_id, failed_entry(entry.found, entry, one.reason))
            failed |= dict.fromkeys(ids or [one.where], failure)
        return failed

    def _retire_missing(
        self, found: Iterable[FoundBundle], failed: Mapping[str, OpenFailure]
    ) -> None:
        """Retire the models without a bundle, unless another version of the same name has just failed."""
        there = {one.id for one in found}
        kept = {self._entries[one].found.name for one in failed}
        for model_id, entry in self._entries.items():
            if model_id not in there and (entry.model is None or entry.found.name not in kept):
                self._retire(model_id)

    def _retire(self, model_id: str) -> None:
        entry = self._entries[model_id]
        if entry.model is not None:
            self._set(model_id, replace(entry, state="unloading"))
        else:
            self._replace({one: old for one, old in self._entries.items() if one != model_id})

    def _warm(self, model_ids: Sequence[str]) -> Changes:
        """Load unloaded models, or keep evicted ones that were not dropped yet."""
        before, failed = self._entries, {}
        for model_id in model_ids:
            entry = self._entries.get(model_id)
            if entry is None or entry.state != "unloaded":
                continue
            if entry.model is not None:
                self._set(model_id, replace(entry, state="ready"))
            elif failure := self._open(entry.found):
                failed[model_id] = failure
        return changes_between(before, self._entries, failed)

    def _evict(self, model_ids: Sequence[str]) -> Changes:
        """Make models unloaded, but not the default model; they are in memory until they are dropped."""
        before = self._entries
        for model in self.status.models:
            if model.id in model_ids and model.state == "ready" and not model.is_default:
                self._set(model.id, replace(before[model.id], state="unloaded"))
        return changes_between(before, self._entries, {})

    def _unload(self, names: Sequence[str]) -> Changes:
        """Retire models by name or id, unless the task could not do without them."""
        before = self._entries
        going = {one for one, entry in before.items() if is_named(entry.found, names)}
        staying = [
            entry.found
            for one, entry in before.items()
            if one not in going and entry.state == "ready"
        ]
        if not going:
            return Changes()
        if not staying:
            return Changes(fault=f"{', '.join(going)}: no other model of {self._task} is ready")
        try:
            self._folder.check_default(staying)
        except ConfigError:
            return Changes(
                fault=f"{', '.join(going)}: it is the default model of SEQSERVE_DEFAULT_MODELS"
            )
        self._held |= going
        for model_id in going:
            self._retire(model_id)
        if self._settings.default_model_of(self._task) is None:
            self._warm(
                [one.id for one in newest_first(available(self._entries))[:1]]
            )  # the default
        return changes_between(before, self._entries, {})

    def _drop(self, model_ids: Sequence[str]) -> Changes:
        """Release models that are unloading or evicted. Calls that still compute keep theirs until they end."""
        chosen = {one: entry for one, entry in self._entries.items() if one in model_ids}
        gone = {one for one, entry in chosen.items() if entry.state == "unloading"}
        evicted = {
            one: replace(entry, model=None)
            for one, entry in chosen.items()
            if entry.state == "unloaded" and entry.model is not None
        }
        if gone or evicted:
            kept = {one: old for one, old in self._entries.items() if one not in gone}
            del chosen
            self._replace(kept | evicted)
            release_garbage()
            get_logger().info("models unloaded", task=self._task, models=sorted({*gone, *evicted}))
        return Changes()

    def _set(self, model_id: str, entry: Entry) -> None:
        self._replace({**self._entries, model_id: entry})

    def _replace(self, entries: Table) -> None:
        """Publish models; calls that begin from now on use these."""
        self._entries = entries
        by_id = {one: entry.info(self._task) for one, entry in entries.items()}
        order = newest_first(entry.found for entry in entries.values())
        infos = [by_id[one.id] for one in order]
        is_ready = any(info.state == "ready" for info in infos)
        reason = FAILED_SENTENCE if infos else MISSING_SENTENCE
        self.status = Status(self._by_preference(infos), None if is_ready else reason)

    def _by_preference(self, infos: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
        default = select_default(infos, self._settings.default_model_of(self._task))
        marked = (replace(one, is_default=one is default) for one in infos)
        return tuple(sorted(marked, key=lambda one: not one.is_default))
