"""The folder of an imported data set: written completely or not at all."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqserve.datasets.annotations.examples import Example
from seqserve.datasets.meta import META_FILE, write_meta
from seqserve.errors import DataError
from seqserve.training.data import Split

IMPORTED = "imported"
"""The key of META.json that says what a data set was imported from."""


def check_folder(folder: Path, *, is_replaced: bool) -> None:
    """Check that a data set may be written.

    Args:
        folder: The data set.
        is_replaced: Whether an earlier import is replaced.

    Raises:
        DataError: The folder exists; or it shall be replaced, and has files that no import wrote.
    """
    if not folder.exists():
        return
    if not is_replaced:
        raise DataError(
            f"{folder} exists: name another folder, or add --replace if an import wrote it"
        )
    meta: Any = {}
    with suppress(OSError, ValueError):
        meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
    known = meta.get("files") if isinstance(meta, dict) and IMPORTED in meta else None
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not isinstance(known, dict) or names - set(known) - {META_FILE}:
        raise DataError(f"{folder} has files that no import wrote: name another folder with --out")


def write_set(
    folder: Path, splits: Mapping[Split, Sequence[Example]], meta: Mapping[str, Any]
) -> None:
    """Write the files of the splits and META.json.

    Args:
        folder: Is replaced if it exists.
        splits: The examples; a split without any has no files.
        meta: What is known of the origin.

    Raises:
        DataError: The folder cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
            made = Path(scratch, folder.name)
            made.mkdir()
            for split, examples in splits.items():
                _write_split(made, split, examples)
            write_meta(made, meta)
            if folder.exists():
                shutil.move(folder, Path(scratch, "replaced"))
            shutil.move(made, folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from None


def _write_split(folder: Path, split: Split, examples: Sequence[Example]) -> None:
    lines: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        for suffix, of_example in example.lines.items():
            lines[suffix] += of_example
    for suffix, of_split in lines.items():
        text = "".join(f"{line}\n" for line in of_split)
        (folder / f"{split}.{suffix}").write_text(text, encoding="utf-8", newline="\n")
