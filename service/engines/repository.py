"""The bundles of one task on disk: find them, describe them, and order them by preference."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seqserve.bundle import Bundle
from seqserve.bundle_folder import MANIFEST, manifests_in, read_manifest
from seqserve.errors import ConfigError
from seqserve.model_info import ModelInfo, model_id
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task
from service.telemetry.logs import get_logger

_NUMBER_OR_WORD = re.compile(r"[0-9]+|[A-Za-z]+")
_Part = tuple[int, int, str]
_END: _Part = (1, 0, "")  # before a further number, after a word: 1.0rc1, 1.0, 1.0.1


@dataclass(frozen=True)
class FoundBundle:
    """A model directory whose files were not verified.

    Args:
        path: The directory.
        manifest: What its manifest.json has.
        digest: SHA-256 of manifest.json, which lists the digests of all other files.
    """

    path: Path
    manifest: Mapping[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """The model's name; the directory's where the manifest has none."""
        return str(self.manifest.get("name", self.path.name))

    @property
    def version(self) -> str:
        """The model's version."""
        return str(self.manifest.get("version", ""))

    @property
    def task(self) -> str:
        """The model's task."""
        return str(self.manifest["task"])

    @property
    def id(self) -> str:
        """The model's id."""
        return model_id(self.name, self.version)

    @property
    def where(self) -> str:
        """The place of the directory in the folder of the bundles; public."""
        is_version = self.path.parent.name == self.name
        return f"{self.name}/{self.path.name}" if is_version else self.path.name


@dataclass(frozen=True)
class UnreadableBundle:
    """A model directory whose manifest does not tell its task.

    Args:
        path: The directory.
        where: The place of the directory in the folder of the bundles; public.
        reason: What is wrong with the manifest; public.
    """

    path: Path
    where: str
    reason: str


def find_bundles(folder: Path) -> tuple[list[FoundBundle], list[UnreadableBundle]]:
    """Return the bundles of all tasks, by path, and the directories whose task is unknown."""
    found, unreadable = [], []
    for path in manifests_in(folder):
        try:
            content = read_manifest(path)
            manifest = _manifest_with_task(content)
        except (OSError, ValueError) as error:
            said = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)
            reason = f"{MANIFEST} {said}; copy or export the bundle again"
            get_logger().error("manifest cannot be read", path=str(path), reason=reason)
            where = str(path.parent.relative_to(folder))
            unreadable.append(UnreadableBundle(path.parent, where, reason))
        else:
            digest = hashlib.sha256(content).hexdigest()
            found.append(FoundBundle(path.parent, manifest, digest))
    return found, unreadable


def _manifest_with_task(content: bytes) -> dict[str, Any]:
    """Return a manifest whose task is known, and of which nothing else was checked.

    Raises:
        ValueError: It is none; the message continues the name of the file.
    """
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise ValueError("holds no JSON object")
    if manifest.get("task") not in list(TASKS):
        said = f"the task {cut(str(manifest['task']))!a}" if "task" in manifest else "no task"
        raise ValueError(f"has {said}; tasks are {', '.join(TASKS)}")
    return manifest


def explain_missing(directory: Path, task: Task, unreadable: Iterable[UnreadableBundle]) -> str:
    """Return why there is no model of a task, and what to do about it."""
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "does not exist"
        return (
            f"the directory of the bundles, {directory.resolve()}, {what}. Set SEQSERVE_BUNDLES_DIR to the "
            f"directory that has a bundle of task {task}."
        )
    broken = "".join(f"; {one.path}: {one.reason}" for one in unreadable)
    return (
        f"there is no bundle of task {task} in {directory.resolve()}{broken}. "
        "Export or copy one there, or remove the task from SEQSERVE_TASKS."
    )


def describe(bundle: Bundle) -> ModelInfo:
    """Return what the API reports about a bundle."""
    manifest = bundle.manifest
    return ModelInfo(
        name=manifest.name,
        task=manifest.task,
        languages=tuple(manifest.languages),
        labels=tuple(manifest.labels),
        version=manifest.version,
        sha256=bundle.sha256,
        limits=manifest.limits,
        thresholds=manifest.thresholds,
        precision=manifest.precision,
        metrics=manifest.metrics,
        score_kind=manifest.kind_of_score,
        language_pairs=manifest.language_pairs,
    )


def describe_found(found: FoundBundle, task: Task) -> ModelInfo:
    """Return what the API reports about a bundle that was not verified: what its manifest is for."""

    def texts(name: str) -> tuple[str, ...]:
        value = found.manifest.get(name)
        return tuple(map(str, value)) if isinstance(value, list) else ()

    return ModelInfo(
        name=found.name,
        task=task,
        languages=texts("languages"),
        labels=texts("labels"),
        version=found.version,
        sha256="",
        limits={},
        precision=str(found.manifest.get("precision", "")),
        metrics={},
    )


def check_distinct(bundles: Iterable[FoundBundle]) -> None:
    """Check that an id names one bundle.

    Raises:
        ConfigError: Two bundles have the same name and version; names both.
    """
    by_id: dict[str, list[str]] = defaultdict(list)
    for bundle in bundles:
        by_id[bundle.id].append(bundle.where)
    for one, folders in by_id.items():
        if len(folders) > 1:
            names = ", ".join(folders[:-1]) + f" and {folders[-1]}"
            raise ConfigError(
                f"{_in_words(len(folders))} bundles of model {one}: {names}. Keep one, or export one with "
                "another version."
            )


def _in_words(n: int) -> str:
    return {2: "two", 3: "three"}.get(n, str(n))


def newest_first(bundles: Iterable[FoundBundle]) -> list[FoundBundle]:
    """Order bundles by version, then by the day of their export; those that are equal by name."""
    by_name = sorted(bundles, key=lambda one: one.name)
    return sorted(by_name, key=_age, reverse=True)


def _age(bundle: FoundBundle) -> tuple[tuple[_Part, ...], str]:
    return version_key(bundle.version), str(bundle.manifest.get("created", ""))


def version_key(version: str) -> tuple[_Part, ...]:
    """Return the sort key of a version: its numbers compare as numbers, and 1.0rc1 is before 1.0."""
    return (*map(_part, _NUMBER_OR_WORD.findall(version)), _END)


def _part(text: str) -> _Part:
    if text.isdigit():
        digits = text.lstrip("0")
        return (2, len(digits), digits)
    return (0, 0, text.lower())


def select_default(models: Sequence[ModelInfo], setting: str | None) -> ModelInfo | None:
    """Return the default model of a task.

    Args:
        models: Of the task, in order of preference.
        setting: The name or id of SEQSERVE_DEFAULT_MODELS, if any.

    Returns:
        The model of the setting, whatever its state; or else the first that is ready, unless the available
        models translate between different languages; or None.
    """
    if setting is not None:
        named = [model for model in models if setting in (model.name, model.id)]
        return next((model for model in named if model.state == "ready"), next(iter(named), None))
    if len({model.language_pairs for model in models if model.is_available}) > 1:
        return None
    return next((model for model in models if model.state == "ready"), None)
