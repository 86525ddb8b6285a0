"""Files that are written completely or not at all, and their checksums."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`, which it replaces when the block ends without an error."""
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file; nothing else is opened, because it may block or have no end.

    Args:
        path: The file, or a link to it.
        max_bytes: Larger files are not read.

    Raises:
        OSError: It is missing, or cannot be read.
        ValueError: It is no regular file, or is larger; the message continues the name of the file.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is not a regular file")
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("is not a regular file")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"has more than {max_bytes:,} bytes, the most that are read")
    return content


def _open_at_once(path: str, flags: int) -> int:
    # A pipe may have taken the place of the file.
    return os.open(path, flags | os.O_NONBLOCK)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_typed(path: Path) -> str:
    """Return a path as one types it from the working directory: relative if it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
