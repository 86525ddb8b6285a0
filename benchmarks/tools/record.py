"""What was measured, on disk: one JSON file that parts are added to, as long as the machine is the same."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.tools.machine import Machine
from benchmarks.tools.workplace import TASKS, Workplace
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import DataError
from seqserve.files import written_whole


@dataclass(frozen=True)
class Measured:
    """A bundle that was measured.

    Args:
        version: Of the model.
        precision: Of its graphs.
        sha256: Over all its files.
        changes: What its figures lost or gained by int8, as the manifest has it.
    """

    version: str
    precision: str
    sha256: str
    changes: dict[str, float]


@dataclass(frozen=True)
class Record:
    """All figures of one machine and one set of bundles.

    Args:
        machine: Where.
        bundles: Which, by name.
        size: How much was measured.
        seed: Of samples and orders.
        parts: What was found: a dataclass, a field per part, None where nothing was measured.
    """

    machine: Machine
    bundles: dict[str, Measured]
    size: str
    seed: int
    parts: Any


Kind = TypeVar("Kind", bound=Record)


def describe_bundles(place: Workplace) -> dict[str, Measured]:
    """Describe the bundles that are measured, by name."""
    found = {}
    for task in TASKS:
        bundle = place.bundle(task)
        said = bundle.manifest
        changes = {k.removesuffix("_change"): v for k, v in said.metrics.items() if "_change" in k}
        found[said.name] = Measured(said.version, said.precision, bundle.sha256, changes)
    return found


def add_part(path: Path, now: Record, name: str, figures: Any) -> None:
    """Add a part to the file, beside those that were measured on the same machine, bundles and size.

    Args:
        path: The file; begun anew where anything but the parts differs.
        now: What holds now, without figures.
        name: Of the part.
        figures: What was found.
    """
    before = read_record(path, type(now)) if path.exists() else now
    kept = before.parts if replace(before, parts=now.parts) == now else now.parts
    record = replace(now, parts=replace(kept, **{name: figures}))
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        text = json.dumps(to_mapping(record), indent=1, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """Read what `add_part` wrote.

    Raises:
        DataError: The file is missing or no JSON object.
        ConfigError: It is not a record.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; measure again") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no object; measure again")
    return from_mapping(kind, values, str(path))
