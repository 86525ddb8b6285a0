"""The folder of the bundles: which model directories it has, and of which tasks.

A bundle is `NAME/`, or `NAME/VERSION/` where a model has several versions side by side.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqserve.tasks import TASKS, Task

MANIFEST = "manifest.json"


def manifests_in(folder: Path) -> list[Path]:
    """Return the manifests in a folder by path, hidden directories left out; none without a folder."""
    return [path / MANIFEST for top in sorted(folder.glob("[!.]*/")) for path in bundles_at(top)]


def bundles_at(directory: Path) -> list[Path]:
    """Return a directory if it is a bundle, or else the bundles that are exactly one level deeper."""
    if _has_manifest(directory):
        return [directory]
    return [path for path in sorted(directory.glob("[!.]*/")) if _has_manifest(path)]


def _has_manifest(directory: Path) -> bool:
    return os.path.lexists(directory / MANIFEST)


def tasks_in(folder: Path) -> tuple[Task, ...]:
    """Return the tasks that have a bundle in a folder, in the order of `TASKS`.

    A manifest that cannot be read has no task here; the server reports it when it opens the bundles.
    """
    found = set(_tasks_of(manifests_in(folder)))
    return tuple(task for task in TASKS if task in found)


def _tasks_of(manifests: Iterable[Path]) -> Iterator[object]:
    for manifest in manifests:
        try:
            yield json.loads(manifest.read_bytes()).get("task")
        except (OSError, ValueError, AttributeError):
            continue
