"""Where the bundles of a folder are: `NAME/`, or `NAME/VERSION/` for several versions side by side."""

from __future__ import annotations

import os
from pathlib import Path

MANIFEST = "manifest.json"


def bundle_directories(folder: Path) -> list[Path]:
    """Return the model directories of a folder, by name.

    Hidden directories are none, and neither are those without a manifest.
    """
    return [path for top in sorted(folder.glob("[!.]*/")) for path in bundles_at(top)]


def bundles_at(directory: Path) -> list[Path]:
    """Return a directory if it is a bundle, or else the bundles that are exactly one level deeper."""
    if _has_manifest(directory):
        return [directory]
    return [path for path in sorted(directory.glob("[!.]*/")) if _has_manifest(path)]


def _has_manifest(directory: Path) -> bool:
    return os.path.lexists(directory / MANIFEST)
