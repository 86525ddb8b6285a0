"""Engines that compute nothing: the cost of a request is then the cost of the server.

`open_engine` is for SEQSERVE_ENGINE_FACTORY. `write_bundles` writes the bundles that a server needs; all but
the model in them is real.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqserve.bundle import Bundle, load_bundle, write_bundle
from seqserve.config import to_mapping
from seqserve.manifest import Description
from seqserve.records import Entity, NerResult, SentimentResult, TranslationResult
from seqserve.tasks import Task

FACTORY = "benchmarks.http.null:open_engine"
TEXT = "Harry Potter invented a spell in London."

RESULTS: dict[Task, NerResult | SentimentResult | TranslationResult] = {
    "ner": NerResult((Entity("Harry Potter", "PER", 0, 12, 0.998),), 9),
    "sentiment": SentimentResult(
        "positive", 0.97, {"negative": 0.03, "positive": 0.97}, n_tokens=9
    ),
    "translation": TranslationResult("哈利·波特在伦敦发明了一个咒语。", -0.31, (), n_tokens=9),
}
_LANGUAGES: dict[Task, tuple[str, ...]] = {"translation": ("en", "zh")}
_LABELS: dict[Task, tuple[str, ...]] = {"ner": ("PER",), "sentiment": ("negative", "positive")}


@dataclass(frozen=True)
class NullEngine:
    """Returns the same result for every item; `bundle` is what it pretends to have loaded."""

    bundle: Bundle

    def predict(self, items: Sequence[Any]) -> list[Any]:
        """Return at once."""
        return [RESULTS[self.bundle.manifest.task]] * len(items)


def open_engine(path: Path) -> NullEngine:
    """Verify a bundle, and pretend to load its model."""
    return NullEngine(load_bundle(path))


def write_bundles(directory: Path) -> Path:
    """Write one bundle per task into a new folder, and return that."""
    directory.mkdir(parents=True)
    for task, result in RESULTS.items():
        case = {"input": {"text": TEXT}, "output": to_mapping(result)}
        golden = {"tolerance": 0.0, "cases": [case]}
        files = {"config.json": b"{}", "golden.json": json.dumps(golden).encode()}
        write_bundle(directory / task, files, _describe(task))
    return directory


def _describe(task: Task) -> Description:
    return Description(
        name=f"null-{task}",
        version="1.0.0",
        task=task,
        languages=_LANGUAGES.get(task, ("en",)),
        labels=_LABELS.get(task, ()),
        precision="fp32",
        limits={},
        data=(),
        licence="Apache-2.0",
        metrics={},
        tools={},
        created="2026-01-31",
    )
