"""`META.json`, which describes the files of a data set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqserve.errors import DataError
from seqserve.files import sha256_of

META_FILE = "META.json"


def read_meta(folder: Path) -> dict[str, Any]:
    """Return what is known of a data set; nothing without the file.

    Raises:
        DataError: The file is no JSON, or holds no object.
    """
    try:
        meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(f"{META_FILE} is no JSON: {error}") from error
    if not isinstance(meta, dict):
        raise DataError(f"{META_FILE} holds no object")
    return meta


def licence_of(meta: Mapping[str, Any]) -> str:
    """Return `licence`, or the `licences` of a set's sources by name; empty if none is stated."""
    sources = meta.get("licences", {})
    if "licence" not in meta and isinstance(sources, dict):
        return "; ".join(f"{name}: {terms}" for name, terms in sources.items())
    return str(meta.get("licence", ""))


def describe_file(path: Path) -> dict[str, object]:
    """Return the size and the checksum of a file."""
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Write what is known of a data set, and the checksums of its files."""
    files = {path.name: describe_file(path) for path in sorted(folder.iterdir())}
    text = json.dumps({**meta, "files": files}, indent=1, ensure_ascii=False)
    (folder / META_FILE).write_text(text + "\n", encoding="utf-8")
