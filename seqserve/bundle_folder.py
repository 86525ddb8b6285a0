"""The folder of the bundles: which model directories it has, and of which tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqserve.tasks import TASKS, Task

MANIFEST = "manifest.json"


def manifests_in(folder: Path) -> list[Path]:
    """Return the manifests in a folder by path, hidden directories left out; none without a folder."""
    return sorted(folder.glob(f"[!.]*/{MANIFEST}"))


def tasks_in(folder: Path) -> tuple[Task, ...]:
    """Return the tasks that have a bundle in a folder, in the order of `TASKS`.

    A manifest that cannot be read has no task here; the server reports it when it opens the bundles.
    """
    found = set(_tasks_of(manifests_in(folder)))
    return tuple(task for task in TASKS if task in found)


def _tasks_of(manifests: list[Path]) -> Iterator[object]:
    for manifest in manifests:
        try:
            yield json.loads(manifest.read_bytes()).get("task")
        except (OSError, ValueError, AttributeError):
            continue
