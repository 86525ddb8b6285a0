"""The entries of the table of models: a bundle, its state, and what was loaded from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from seqserve.choices import ModelState
from seqserve.model_info import Changes, ModelInfo
from seqserve.tasks import Task
from service.engines.opening import LoadedModel, OpenFailure
from service.engines.repository import FoundBundle, describe_found, newest_first


@dataclass(frozen=True)
class Entry:
    """A model and its state.

    Args:
        found: The bundle that is loaded, or else the last one that was tried.
        state: Of the model.
        model: What computes, if it is in memory.
        known: What the API reports about the bundle, if that was checked.
        reason: Why it could not be loaded, or why a newer bundle of it could not be.
    """

    found: FoundBundle
    state: ModelState
    model: LoadedModel | None = None
    known: ModelInfo | None = None
    reason: str | None = None

    def info(self, task: Task) -> ModelInfo:
        """Return what the API reports about it."""
        known = self.known or describe_found(self.found, task)
        n_bytes = known.memory_bytes if self.model else None
        return replace(known, state=self.state, reason=self.reason, memory_bytes=n_bytes)


def failed_entry(found: FoundBundle, old: Entry | None, reason: str) -> Entry:
    """Return the entry of a bundle that could not be loaded; a model that is in memory still answers."""
    if old is not None and old.model is not None:
        return replace(old, reason=f"a newer bundle could not be loaded: {reason}")
    return Entry(found, "failed", reason=reason)


Table = Mapping[str, Entry]
"""The models of a task by id."""


def is_named(found: FoundBundle, names: Collection[str]) -> bool:
    """Return whether a bundle has one of some names or ids."""
    return found.name in names or found.id in names


def loaded_entry(model: LoadedModel, old: Entry | None) -> Entry:
    """Return the entry of a model that was loaded, in the place of an old one of the same id.

    A model that is loaded again grows into memory that the process has kept, so the largest growth counts.
    """
    info = model.info
    if old is not None and old.known is not None and old.found.digest == model.found.digest:
        growths = (info.memory_bytes or 0, old.known.memory_bytes or 0)
        info = replace(info, memory_bytes=max(growths))
    return Entry(model.found, "ready", model, info)


def available(table: Table) -> list[FoundBundle]:
    """Return the bundles of the models that requests may use."""
    return [one.found for one in table.values() if one.state in ("ready", "unloaded")]


def is_needed(found: FoundBundle, table: Table, before: Table, maximum: int) -> bool:
    """Return whether a bundle is to be in memory already before a request needs it.

    Args:
        found: The bundle.
        table: The models as they are now.
        before: The models before the command that is being carried out.
        maximum: Most models in memory; 0 for no maximum.
    """
    loaded = [entry.found for entry in table.values() if entry.state == "ready"]
    if not maximum or len(loaded) < maximum or any(one.id == found.id for one in loaded):
        return True
    older = (entry.found for entry in before.values() if entry.state == "ready")
    return found.id not in before and any(
        one.name == found.name and newest_first((one, found))[0] is found for one in older
    )


def changes_between(before: Table, after: Table, failed: Mapping[str, OpenFailure]) -> Changes:
    """Return what a command changed, with the failures by id."""
    loaded, unloading = [], []
    for model_id, entry in after.items():
        old = before.get(model_id)
        is_going = entry.state in ("unloading", "unloaded") and entry.model is not None
        if is_going and (old is None or old.state != entry.state):
            unloading.append(model_id)
        elif entry.state == "ready" and (
            old is None or old.state == "unloading" or old.model is not entry.model
        ):
            loaded.append(model_id)
    reasons = {model_id: failure.reason for model_id, failure in failed.items()}
    return Changes(tuple(loaded), tuple(unloading), reasons)
