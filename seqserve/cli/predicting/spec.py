"""What is predicted for every text of a run: the task and its options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqserve.bulk.records import Refusal
from seqserve.errors import SeqserveError
from seqserve.records import TextError
from seqserve.tasks import Task

if TYPE_CHECKING:
    from service.settings import Settings

_INDEX = re.compile(r"\btext\[\d+\]")  # position in a request that the user does not see
_INTERNAL = "The model failed at this text."


@dataclass(frozen=True)
class PredictionSpec:
    """The task and its options; it is sent to worker processes.

    Args:
        task: The task.
        options: Fields of the request beside `text`, those that are set.
        max_record_bytes: Largest record of the input.
        settings: Limits, and the folder of bundles; None where a server predicts.
    """

    task: Task
    options: Mapping[str, Any]
    max_record_bytes: int
    settings: Settings | None = None


@dataclass(frozen=True)
class Model:
    """The model that predicts; `languages` as in its manifest, `sha256` over all files of its bundle."""

    name: str
    version: str
    languages: tuple[str, ...]
    sha256: str


def refusal(error: TextError) -> Refusal:
    """Return the reason why a text has no prediction."""
    is_internal = error.code == SeqserveError.code
    return Refusal(error.code, _INTERNAL if is_internal else error.detail)


def refusal_of(error: SeqserveError) -> Refusal:
    """Return the reason why the only text of a request has no prediction."""
    return refusal(TextError(error.code, error.title, _INDEX.sub("text", str(error))))
