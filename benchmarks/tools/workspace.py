"""The folders and the seed that all measurements share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqserve.bundle import Bundle, load_bundle
from seqserve.bundle_folder import manifests_in
from seqserve.errors import BundleError
from seqserve.tasks import Task

Report = Callable[[str], None]
"""Receives a line per result."""


@dataclass(frozen=True)
class Workspace:
    """Folders and seed of a measurement.

    Args:
        bundles: Folder of bundles.
        data: Folder of data sets.
        scratch: Folder for temporary files.
        seed: Of samples and orders.
    """

    bundles: Path
    data: Path
    scratch: Path
    seed: int = 0

    def bundle(self, task: Task) -> Bundle:
        """Load the first bundle of a task, by name; imported ones are not compared with torch.

        Raises:
            BundleError: There is none.
        """
        for manifest in manifests_in(self.bundles):
            bundle = load_bundle(manifest.parent.resolve())
            if bundle.manifest.task == task and bundle.manifest.origin is None:
                return bundle
        raise BundleError(f"{self.bundles} holds no bundle for {task}: export one first")
