"""A directory of word vectors: `vectors.safetensors` in fp16 or int8, `words.json`, `meta.json`; no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from seqserve.arrays import FloatArray
from seqserve.config import from_mapping, to_mapping
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import BundleError, ConfigError, DataError
from seqserve.files import written_whole
from seqserve.quoting import cut

FORMAT_VERSION = 1
Precision = Literal["fp16", "int8"]
_TENSORS, _WORDS, _META = "vectors.safetensors", "words.json", "meta.json"
_MAX_NAME_BYTES = 240  # of Linux' 255, with room for `.partial`
_SCALES = "_scales"  # behind the name of an int8 tensor


@dataclass(frozen=True)
class TextFile:
    """A file that vectors were learnt from: its last two path parts, SHA-256, texts, and licence."""

    name: str
    sha256: str
    texts: int
    licence: str


@dataclass(frozen=True)
class VectorMeta:
    """What a directory of vectors says of itself.

    Args:
        method: How the vectors were learnt.
        settings: Of the method.
        precision: Of the stored numbers.
        data: The files that they were learnt from.
        licence: Of the vectors.
        changes: What was done to the learnt vectors, in order.
    """

    method: str
    settings: dict[str, Any]
    precision: Precision
    data: tuple[TextFile, ...]
    licence: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stored:
    """`meta.json`: the description, and SHA-256 of the other files by name."""

    format_version: int
    about: VectorMeta
    files: dict[str, str]


def refuse_existing(directory: Path) -> None:
    """Check that a directory can be written, before the work for it begins.

    Raises:
        DataError: It exists, or its parent does not, or its name is too long.
    """
    if len(os.fsencode(directory.name)) > _MAX_NAME_BYTES:
        raise DataError(f"{cut(directory.name)} is too long for the name of a directory")
    if os.path.lexists(directory):
        raise DataError(f"{directory} exists already: delete it, or choose another directory")
    if not directory.parent.is_dir():
        raise DataError(f"{directory.parent} is not a directory: create it first")


def save_vectors(directory: Path, vectors: WordVectors, meta: VectorMeta) -> None:
    """Write a directory of vectors: all of it, or nothing. The same input produces the same bytes.

    Raises:
        DataError: The directory exists or cannot be written, or a number is not finite in the precision.
    """
    refuse_existing(directory)
    tensors = _pack("rows", vectors.rows, meta.precision)
    if vectors.ngrams is not None:
        tensors |= _pack("ngrams", vectors.ngrams, meta.precision)
    contents = {
        _TENSORS: tensor_bytes(tensors),
        _WORDS: json.dumps(vectors.words, ensure_ascii=False).encode(),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    stored = to_mapping(_Stored(FORMAT_VERSION, meta, hashes))
    contents[_META] = json.dumps(stored, ensure_ascii=False, indent=1).encode() + b"\n"
    try:
        with written_whole(directory) as partial:
            if partial.is_dir():  # of a run that was killed
                shutil.rmtree(partial)
            partial.mkdir()
            for name, content in contents.items():
                (partial / name).write_bytes(content)
    except OSError as error:
        raise DataError(f"{directory} cannot be written: {error.strerror}") from error


def load_vectors(directory: Path) -> tuple[WordVectors, VectorMeta]:
    """Read a directory of vectors.

    Raises:
        BundleError: It is missing, of a newer format, incomplete or damaged.
    """
    try:
        stored = _read_meta(directory)
        contents = {name: (directory / name).read_bytes() for name in (_TENSORS, _WORDS)}
        for name, content in contents.items():
            if hashlib.sha256(content).hexdigest() != stored.files.get(name):
                raise ValueError(f"{name} was changed, its SHA-256 differs")
        words = tuple(json.loads(contents[_WORDS]))
        tensors = parse_tensors(contents[_TENSORS])
        rows = _unpack("rows", tensors)
        ngrams = _unpack("ngrams", tensors) if "ngrams" in tensors else None
        n_words = len({word for word in words if isinstance(word, str)})
        if not n_words == len(words) == len(rows):
            raise ValueError(f"{_WORDS} does not hold a word for each of the {len(rows)} vectors")
    except OSError as error:
        reason = f"{Path(error.filename or directory).name} cannot be read: {error.strerror}"
        raise BundleError(f"{directory} holds no word vectors, {reason}") from error
    except (ConfigError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BundleError(f"{directory}: {error}; copy it, or train the vectors again") from error
    return WordVectors(words, rows, ngrams), stored.about


def _read_meta(directory: Path) -> _Stored:
    values = json.loads((directory / _META).read_bytes())
    version = values.get("format_version") if isinstance(values, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ValueError(f"format {version}; this program reads {FORMAT_VERSION}: upgrade seqserve")
    return from_mapping(_Stored, values, where=_META)


def _pack(name: str, rows: FloatArray, precision: Precision) -> dict[str, NDArray[Any]]:
    """Return a matrix in a precision; int8 has a scale per row, for which the largest number is 127.

    Raises:
        DataError: A number is not finite in this precision.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if precision == "fp16":
            packed = {name: rows.astype(np.float16)}
            numbers = packed[name]
        else:
            peaks = np.abs(rows).max(1, keepdims=True)
            numbers = np.where(peaks == 0, 1, peaks / 127).astype(np.float32)
            packed = {name: np.rint(rows / numbers).astype(np.int8), name + _SCALES: numbers}
    if not np.isfinite(numbers).all():
        raise DataError(
            f"the vectors have numbers that {precision} cannot hold, or that are not finite"
        )
    return packed


def _unpack(name: str, tensors: Mapping[str, NDArray[Any]]) -> FloatArray:
    """Return the (N, D) matrix of a name.

    Raises:
        ValueError: It is no matrix, or its scales do not fit.
        KeyError: It is missing.
    """
    rows: FloatArray = tensors[name].astype(np.float32)
    if rows.ndim != 2:
        raise ValueError(f"{name} has the shape {rows.shape}; expected a matrix")
    if tensors[name].dtype == np.int8:
        rows *= tensors[name + _SCALES]
    return rows
