"""`META.json`, which describes the files of a data set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqserve.files import sha256_of

META_FILE = "META.json"


def describe_file(path: Path) -> dict[str, object]:
    """Return the size and the checksum of a file."""
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Write what is known of a data set, and the checksums of its files."""
    files = {path.name: describe_file(path) for path in sorted(folder.iterdir())}
    text = json.dumps({**meta, "files": files}, indent=1, ensure_ascii=False)
    (folder / META_FILE).write_text(text + "\n", encoding="utf-8")
