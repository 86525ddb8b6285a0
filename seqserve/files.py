"""Files that are there whole or not at all, whenever the program is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes that one's place when the block ends without an error."""
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)
