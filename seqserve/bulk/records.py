"""One record of an input file: a text, where it stands, and what stands beside it; or why there is none.

Knows neither formats nor models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seqserve.errors import ConfigError

Result = Mapping[str, Any]
"""What was found in one text: the JSON fields of the API's result."""

LINE = "line"


@dataclass(frozen=True, slots=True)
class Record:
    """A text to answer.

    Args:
        line: Line of the file on which it begins, from 1.
        text: As it stands there.
        beside: Fields of the record that go into the output, by their names there.
    """

    line: int
    text: str
    beside: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text has no answer: a code of `seqserve.errors` and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that has no answer, on the line on which it begins."""

    line: int
    why: Refusal


Entry = Record | Rejected


@dataclass(frozen=True)
class Columns:
    """Which fields of a record are read, in formats that have fields.

    Args:
        text: The one that holds the text.
        beside: Names in the output of those that are kept, by their names in the input.
    """

    text: str = "text"
    beside: Mapping[str, str] = field(default_factory=dict)


def columns_of(text: str, keep: Sequence[str], result_fields: Sequence[str]) -> Columns:
    """Read what is to be kept.

    Args:
        text: Name of the field that holds the text.
        keep: `NAME` or `NAME:NAME IN THE OUTPUT`.
        result_fields: Names that the output has of its own.

    Raises:
        ConfigError: Two fields of the output would have one name.
    """
    beside: dict[str, str] = {}
    taken = {LINE, *result_fields}
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
    return Columns(text, beside)
