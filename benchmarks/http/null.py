"""Engines that compute nothing: the cost of a request is then the cost of the server.

`SETTINGS` make a server use them. `write_bundles` writes the bundles that a server needs; all but
the model in them is real.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tools.tasks import BENCHMARKS
from seqserve.bundle import Bundle, load_bundle, write_bundle
from seqserve.config import to_mapping
from seqserve.manifest import Description
from seqserve.tasks import SHIPPED, TASKS, Task

SETTINGS = {"SEQSERVE_ENGINE_FACTORY": "benchmarks.http.null:open_engine"}
TEXT = "Harry Potter invented a spell in London."


@dataclass(frozen=True)
class NullEngine:
    """Returns the same result for every item; `bundle` is what it pretends to have loaded."""

    bundle: Bundle

    def predict(self, items: Sequence[Any]) -> list[Any]:
        """Return at once."""
        return [BENCHMARKS[self.bundle.manifest.task].result] * len(items)


def open_engine(path: Path) -> NullEngine:
    """Verify a bundle, and pretend to load its model."""
    return NullEngine(load_bundle(path))


def write_bundles(directory: Path, tasks: Iterable[Task] = SHIPPED) -> Path:
    """Write one bundle for each of some tasks into a new folder, and return that."""
    directory.mkdir(parents=True)
    for task in tasks:
        case = {"input": {"text": TEXT}, "output": to_mapping(BENCHMARKS[task].result)}
        golden = {"tolerance": 0.0, "cases": [case]}
        files = {"config.json": b"{}", "golden.json": json.dumps(golden).encode()}
        write_bundle(directory / task, files, _describe(task))
    return directory


def _describe(task: Task) -> Description:
    return Description(
        name=f"null-{task}",
        version="1.0.0",
        task=task,
        languages=("en", "zh")[: TASKS[task].n_languages],
        labels=BENCHMARKS[task].labels,
        precision="fp32",
        limits={},
        data=(),
        licence="Apache-2.0",
        metrics={},
        tools={},
        created="2026-01-31",
    )
