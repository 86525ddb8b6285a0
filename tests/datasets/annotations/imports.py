"""Import an export that a test writes, and read the data set as training does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seqserve.choices import AnnotationFormat
from seqserve.datasets.annotations.examples import Languages
from seqserve.datasets.annotations.options import LabelOptions, ReadOptions
from seqserve.datasets.annotations.run import Imported, ImportRequest, import_annotations
from seqserve.training.data import read_pairs, read_raw, read_tagged
from seqserve.training.recipe_data import DataSet

Entities = list[tuple[str, str]]


@dataclass
class Importer:
    """Imports exports of one format into a folder; everything becomes training data."""

    folder: Path
    format: AnnotationFormat

    def write(self, content: object, name: str = "export.json") -> Path:
        """Write an export: bytes or a string as they are, or else JSON."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            path.write_text(text, encoding="utf-8", newline="")
        return path

    def run(self, content: object, **options: Any) -> Imported:
        """Import an export; options are those of `ReadOptions`, `LabelOptions` and `ImportRequest`."""
        reading = {k: options.pop(k) for k in list(options) if k in ReadOptions.__annotations__}
        labels = {k: options.pop(k) for k in list(options) if k in LabelOptions.__annotations__}
        request = ImportRequest(
            self.format,
            [self.write(content, options.pop("name", "export.json"))],
            self.folder / "out",
            ReadOptions(**reading),
            LabelOptions(**labels),
            Languages(pair=("en", "zh")),
            shares=(100, 0, 0),
        )
        return import_annotations(replace(request, **options))

    def sentences(self) -> list[list[tuple[str, str]]]:
        """Return the tokens and tags of the sentences."""
        found = read_tagged(self.folder, DataSet("out", ""), "train")
        return [list(zip(one.tokens, one.tags, strict=True)) for one in found]

    def entities(self) -> list[Entities]:
        """Return the entities of every sentence: tokens and label."""
        found = []
        for sentence in self.sentences():
            entities: Entities = []
            for token, tag in sentence:
                if tag.startswith("B-"):
                    entities.append((token, tag[2:]))
                elif tag.startswith("I-"):
                    entities[-1] = (f"{entities[-1][0]} {token}", tag[2:])
            found.append(entities)
        return found

    def texts(self) -> list[tuple[str, tuple[int | str, ...]]]:
        """Return the texts with their labels."""
        return [
            (one.text, one.labels) for one in read_raw(self.folder, DataSet("out", ""), "train")
        ]

    def pairs(self, languages: Sequence[str] = ("en", "zh")) -> list[tuple[str, str]]:
        """Return the pairs of a translation set."""
        found = read_pairs(self.folder, DataSet("out", ""), "train", languages)
        return [(one.source, one.target) for one in found]


def reasons(imported: Imported) -> dict[str, int]:
    """Return how often something was left out or changed, by the reason."""
    told = imported.report.to_mapping()
    return {reason: one["count"] for topic in told.values() for reason, one in topic.items()}
