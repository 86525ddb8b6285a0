"""Files of a data set: plain or xz-compressed UTF-8, one folder a set, `SPLIT.ENDING`."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Literal, TypeVar

from seqserve.errors import DataError
from seqserve.training.recipe_data import DataSet

Split = Literal["train", "dev", "test"]
Example = TypeVar("Example")


def read_lines(root: Path, dataset: str, filename: str) -> list[str]:
    """Return the lines of `root/dataset/filename`, or of the same with `.xz` behind.

    A byte order mark and the carriage returns of Windows' line ends are no part of the lines.

    Raises:
        DataError: Neither file is there, or it is not xz or UTF-8.
    """
    plain = root / dataset / filename
    packed = plain.with_name(plain.name + ".xz")
    try:
        is_packed = packed.exists()
        raw = lzma.decompress(packed.read_bytes()) if is_packed else plain.read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"neither {plain} nor {packed} exists; is the data root right?") from error
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise DataError(f"{plain} (or .xz): {error}") from error
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def stem_of(dataset: DataSet, split: Split) -> str:
    """Return the name of a split's files without their endings."""
    return dataset.split or split


def evenly_spaced(examples: list[Example], limit: int | None) -> list[Example]:
    """Return `limit` examples of a list, or all of them if there are not more."""
    if limit is None or len(examples) <= limit:
        return examples
    return [examples[i * len(examples) // limit] for i in range(limit)]


def not_empty(examples: list[Example], dataset: DataSet, stem: str) -> list[Example]:
    """Return the examples of a split.

    Raises:
        DataError: There is none.
    """
    if not examples:
        raise DataError(f"{dataset.path} {stem} holds no examples")
    return examples
