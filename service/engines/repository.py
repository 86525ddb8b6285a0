"""The bundles of one task on disk: find them, describe them, and check that requests can tell them apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import orjson

from seqserve.bundle import Bundle
from seqserve.errors import ConfigError
from seqserve.model_info import ModelInfo
from seqserve.tasks import TASKS, Task
from service.telemetry.logs import failure_fields, get_logger


def find_bundles(directory: Path, task: Task) -> tuple[list[Path], list[Path]]:
    """Return the model directories of one task, by name, and the manifests that cannot be read.

    The task of an unreadable manifest is unknown, so the task that lacks a bundle reports it.
    """
    found, unreadable = [], []
    for manifest in sorted(directory.glob("[!.]*/manifest.json")):
        try:
            if orjson.loads(manifest.read_bytes())["task"] == task:
                found.append(manifest.parent)
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            fields = failure_fields(error)
            get_logger().error("manifest cannot be read", path=str(manifest), task=task, **fields)
            unreadable.append(manifest)
    return found, unreadable


def explain_missing(directory: Path, task: Task, unreadable: Iterable[Path]) -> str:
    """Return why there is no model of a task, and what to do about it."""
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "does not exist"
        return (
            f"the directory of the bundles, {directory.resolve()}, {what}. Set SEQSERVE_BUNDLES_DIR to the "
            f"directory that has a bundle of task {task}."
        )
    broken = "".join(f"; {path} cannot be read" for path in unreadable)
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


def check_distinct(task: Task, bundles: Iterable[Bundle]) -> None:
    """Check that a request selects exactly one of the bundles.

    Raises:
        ConfigError: Two bundles serve the same requests, or have the same name; names both.
    """
    by_request: dict[str, list[str]] = defaultdict(list)
    by_name: dict[str, list[str]] = defaultdict(list)
    for bundle in bundles:
        languages = "→".join(bundle.manifest.languages)
        request = f"task {task}" + (f", {languages}" if TASKS[task].is_pair else "")
        by_request[request].append(bundle.path.name)
        by_name[f"name {bundle.manifest.name}"].append(bundle.path.name)
    for what, folders in (*by_request.items(), *by_name.items()):
        if len(folders) > 1:
            names = ", ".join(folders[:-1]) + f" and {folders[-1]}"
            raise ConfigError(f"{_in_words(len(folders))} bundles of {what}: {names}. Keep one.")


def _in_words(n: int) -> str:
    return {2: "two", 3: "three"}.get(n, str(n))
