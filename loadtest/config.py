"""Read the TOML files of profiles, objectives and lengths."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from seqserve.errors import SeqserveError


class LoadTestError(SeqserveError, ValueError):
    """The command line, a file or the service does not allow a run; the message says what to do."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        LoadTestError: The file is missing or malformed.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadTestError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise LoadTestError(f"{path}: {error}") from error
