"""The ablation table of a model card, as `seqserve ablate` writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from seqserve.config import from_mapping
from seqserve.errors import ConfigError, DataError


@dataclass(frozen=True)
class MeasuredVariant:
    """A variant of the model and its metrics."""

    name: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Ablation:
    """An ablation table.

    Args:
        columns: Names of the metrics, in the order of the table.
        rows: The variants, in the order of the table.
        command: The command that measured them.
    """

    columns: tuple[str, ...]
    rows: tuple[MeasuredVariant, ...]
    command: str


def is_table_missing(path: str) -> bool:
    """Return whether the `[card] ablation` of a recipe names a file that does not exist."""
    return bool(path) and not Path(path).is_file()


def read_ablation(path: str) -> Ablation | None:
    """Read the file that `[card] ablation` of a recipe names; None if it names none or does not exist.

    Raises:
        DataError: The file is malformed.
    """
    if not path or is_table_missing(path):
        return None
    try:
        return from_mapping(Ablation, json.loads(Path(path).read_text(encoding="utf-8")), path)
    except (ConfigError, ValueError, TypeError) as error:
        raise DataError(f"{path} is malformed, measure the variants again: {error}") from error
