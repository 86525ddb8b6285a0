"""The API key of a server, from a file or the environment: other users can read a command line."""

from __future__ import annotations

import os
from pathlib import Path

from seqserve.errors import ConfigError

KEY_VARIABLE = "CLIENT_API_KEY"


def read_key(file: Path | None) -> str | None:
    """Return the content of a file, or else the variable CLIENT_API_KEY.

    Raises:
        ConfigError: The file cannot be read.
    """
    if file is None:
        return os.environ.get(KEY_VARIABLE)
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--api-key-file {file} cannot be read: {error}") from None
