"""The tasks that the bundles of a folder are of; no bundle is verified."""

from __future__ import annotations

import json
from pathlib import Path

from seqserve.bundle_folder import MANIFEST, bundle_directories
from seqserve.tasks import SHIPPED, TASKS, Task


def tasks_in(folder: Path) -> tuple[Task, ...]:
    """Return the tasks that have a bundle in a folder, in the order of `TASKS`.

    The task of a manifest that cannot be read is unknown. The tasks of the shipped models are then among the
    result, as they are without any bundle: a task that lacks a bundle says which manifests cannot be read.
    """
    found, is_complete = set(), True
    for directory in bundle_directories(folder):
        try:
            found.add(json.loads((directory / MANIFEST).read_bytes())["task"])
        except (OSError, ValueError, KeyError, TypeError):
            is_complete = False
    if not found or not is_complete:
        found.update(SHIPPED)
    return tuple(task for task in TASKS if task in found)
