"""The tasks that the bundles of a folder are of; no bundle is verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from seqserve.bundle_folder import MANIFEST, bundle_directories
from seqserve.tasks import TASKS, Task


def tasks_in(folder: Path) -> tuple[Task, ...]:
    """Return the tasks that have a bundle in a folder, in the order of `TASKS`.

    A manifest that cannot be read has no task here; the server reports it when it opens the bundles.
    """
    found = set(_tasks_of(bundle_directories(folder)))
    return tuple(task for task in TASKS if task in found)


def _tasks_of(directories: list[Path]) -> Iterator[str]:
    for directory in directories:
        try:
            yield str(json.loads((directory / MANIFEST).read_bytes())["task"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
