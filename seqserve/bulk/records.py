"""Records of input files: a text with its line and the fields to keep, or the reason why it was rejected.

Independent of formats and models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqserve.errors import ConfigError

Result = Mapping[str, Any]
"""Prediction for one text: the JSON fields of the API's result."""

LINE, FILE = "line", "file"


@dataclass(frozen=True, slots=True)
class Record:
    """A text to predict for.

    Args:
        line: Line of the input on which it begins, from 1; several files are counted as one.
        text: The text, unchanged.
        beside: Fields of the record that are copied to the output, by their names there.
    """

    line: int
    text: str
    beside: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Reason why a text has no prediction: a code of `seqserve.errors` and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record without a prediction, and the line on which it begins."""

    line: int
    why: Refusal


Entry = Record | Rejected


@dataclass(frozen=True)
class Columns:
    """Which fields of a record are read, in formats that have fields.

    Args:
        text: Field of the text.
        beside: Names in the output of the fields to keep, by their names in the input.
        with_file: Whether the output names the file of each record.
    """

    text: str = "text"
    beside: Mapping[str, str] = field(default_factory=dict)
    with_file: bool = False

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the output's fields between the line and the prediction."""
        return (*([FILE] if self.with_file else []), *self.beside.values())


def columns_of(
    text: str, keep: Sequence[str], result_fields: Sequence[str], *, with_file: bool = False
) -> Columns:
    """Parse the fields to keep.

    Args:
        text: Name of the field that holds the text.
        keep: `NAME` or `NAME:NAME IN THE OUTPUT`.
        result_fields: Names of the prediction's fields in the output.
        with_file: Whether the output names the file of each record.

    Raises:
        ConfigError: Two fields of the output would have one name.
    """
    beside: dict[str, str] = {}
    taken = {LINE, *([FILE] if with_file else []), *result_fields}
    for word in keep:
        name, _, renamed = word.partition(":")
        shown = renamed or name
        if shown in taken:
            raise ConfigError(
                f"--keep {word}: the output has a field {shown!r} already; "
                f"rename it, as in --keep {name}:my_{name}"
            )
        taken.add(shown)
        beside[name] = shown
    return Columns(text, beside, with_file)
