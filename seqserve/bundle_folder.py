"""The folder of the bundles: which model directories it has, and of which tasks.

A bundle is `NAME/`, or `NAME/VERSION/` where a model has several versions side by side.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from seqserve.files import read_regular
from seqserve.tasks import SHIPPED, TASKS, Task

MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 4 << 20


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


def read_manifest(path: Path) -> bytes:
    """Return the content of a manifest, which must be a regular file of at most 4 MiB.

    Raises:
        OSError: It is missing, or cannot be read.
        ValueError: It is something else; the message continues the name of the file.
    """
    return read_regular(path, _MAX_MANIFEST_BYTES)


def tasks_in(folder: Path) -> tuple[Task, ...]:
    """Return the tasks that have a bundle in a folder, in the order of `TASKS`.

    The task of a manifest that cannot be read is unknown. The tasks of the shipped models are then among the
    result, as they are without any bundle: a task that lacks a bundle says which manifests cannot be read.
    """
    found, is_complete = set(), True
    for manifest in manifests_in(folder):
        try:
            found.add(json.loads(read_manifest(manifest))["task"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            is_complete = False
    if not found or not is_complete:
        found.update(SHIPPED)
    return tuple(task for task in TASKS if task in found)
