"""JSON files of a checkpoint: an object, strictly parsed, of bounded size."""

from __future__ import annotations

from typing import Any

from seqserve.errors import CheckpointError, SeqserveError
from seqserve.strict_json import parse_json

_MAX_VALUES = 1_000_000


def parse_object(contents: bytes, what: str) -> dict[str, Any]:
    """Parse an object.

    Args:
        contents: In UTF-8.
        what: The subject of the messages: the path of the file.

    Raises:
        CheckpointError: It is not UTF-8, not JSON, too large, or no object.
    """
    try:
        value = parse_json(contents, _MAX_VALUES, what)
    except SeqserveError as error:
        reason = str(error).partition("; send")[0].rstrip(".")
        raise CheckpointError(f"{reason}: download or save the checkpoint again") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{what} is no JSON object: download or save the checkpoint again")
    return value
