"""Tensors of a safetensors file, read once from its beginning to its end: converted and hashed on the way.

The format: the length of the header in 8 bytes, the header in JSON, the bytes of all tensors without gaps.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import numpy as np
from numpy.typing import NDArray

from model_export.checkpoints.json_file import parse_object
from seqserve.errors import CheckpointError

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 32 * 1024**2
_METADATA = "__metadata__"
# No trained weight comes near, and sums of products of two such numbers are still finite.
_LARGEST = 1e15

Array = NDArray[Any]


@dataclass(frozen=True)
class _DType:
    """How numbers are stored, and what they become."""

    stored: str
    convert: Callable[[Array], Array]


def _as_is(numbers: Array) -> Array:
    return numbers


def _to_float32(numbers: Array) -> Array:
    with np.errstate(over="ignore"):  # infinity is refused below
        return numbers.astype(np.float32)


def _of_bfloat16(bits: Array) -> Array:
    """Append 16 zero bits: a bfloat16 is the first half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


_DTYPES: Mapping[str, _DType] = {
    "F32": _DType("<f4", _as_is),
    "F16": _DType("<f2", _to_float32),
    "BF16": _DType("<u2", _of_bfloat16),
    "F64": _DType("<f8", _to_float32),
    "I64": _DType("<i8", _as_is),
    "I32": _DType("<i4", _as_is),
    "I16": _DType("<i2", _as_is),
    "I8": _DType("<i1", _as_is),
    "U8": _DType("<u1", _as_is),
    "BOOL": _DType("?", _as_is),
}


@dataclass(frozen=True)
class _Entry:
    """A tensor of the header; `start` and `end` count from the end of the header."""

    name: str
    dtype: _DType
    shape: tuple[int, ...]
    start: int
    end: int


def read_tensors(path: Path) -> tuple[dict[str, Array], str]:
    """Read a safetensors file.

    Returns:
        The tensors by name, floating-point numbers as float32, and the SHA-256 of the file.

    Raises:
        CheckpointError: The file is truncated or malformed, or a tensor has a type that cannot be read, or
            numbers that are not finite or absurdly large.
    """
    digest = hashlib.sha256()
    tensors: dict[str, Array] = {}
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            entries, n_header = _read_header(path, file, digest.update)
            n_expected = n_header + (entries[-1].end if entries else 0)
            if size != n_expected:
                raise CheckpointError(
                    f"{path} has {size} bytes; its header describes {n_expected}. The file is incomplete or "
                    "damaged: download or save it again"
                )
            for entry in entries:
                tensors[entry.name] = _read_tensor(path, file, entry, digest.update)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    return tensors, digest.hexdigest()


def _read_header(
    path: Path, file: BinaryIO, update: Callable[[bytes], None]
) -> tuple[list[_Entry], int]:
    """Return the tensors in the order of their bytes, and the number of bytes before the first one.

    Raises:
        CheckpointError: The header is malformed.
    """
    prefix = file.read(_LENGTH_BYTES)
    length = int.from_bytes(prefix, "little")
    if prefix.startswith(b"version "):
        raise CheckpointError(
            f"{path} is a pointer of Git LFS, not the weights: run `git lfs pull` in its repository"
        )
    if len(prefix) < _LENGTH_BYTES or not 2 <= length <= _MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{path} is no safetensors file: the length of its header is missing or above "
            f"{_MAX_HEADER_BYTES} bytes. Save the model again with safe_serialization=True"
        )
    contents = file.read(length)
    if len(contents) < length:
        raise CheckpointError(
            f"{path} ends inside of its header, so it is incomplete: download or save it again"
        )
    update(prefix + contents)
    header = parse_object(contents, f"the header of {path}")
    header.pop(_METADATA, None)
    entries = [_read_entry(path, name, fields) for name, fields in header.items()]
    entries.sort(key=lambda entry: (entry.start, entry.end))
    end = 0
    for entry in entries:
        if entry.start != end:
            raise CheckpointError(
                f"{path}: the bytes of {entry.name} begin at {entry.start}, those before it end at {end}. The "
                "header is damaged: download or save the file again"
            )
        end = entry.end
    return entries, _LENGTH_BYTES + length


def _read_entry(path: Path, name: str, fields: Any) -> _Entry:
    """Check what the header says of a tensor.

    Raises:
        CheckpointError: Its type is unknown, or type, shape and bytes do not fit together.
    """
    said: dict[str, Any] = fields if isinstance(fields, dict) else {}
    kind, shape, places = said.get("dtype"), said.get("shape"), said.get("data_offsets")
    if not (isinstance(kind, str) and _are_sizes(shape) and _are_sizes(places, 2)):
        raise CheckpointError(
            f"{path}: the header lacks dtype, shape or data_offsets of {name}: download or save the file again"
        )
    if kind not in _DTYPES:
        raise CheckpointError(
            f"{path}: {name} has type {kind}; {', '.join(_DTYPES)} are read. Quantized checkpoints are not "
            "imported: save the model in float32, float16 or bfloat16"
        )
    dtype = _DTYPES[kind]
    n_bytes = math.prod(shape) * np.dtype(dtype.stored).itemsize
    if places[1] - places[0] != n_bytes:
        raise CheckpointError(
            f"{path}: {name} has {places[1] - places[0]} bytes; its type and shape {shape} need {n_bytes}. "
            "The header is damaged: download or save the file again"
        )
    return _Entry(name, dtype, tuple(shape), *places)


def _are_sizes(value: Any, length: int | None = None) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and all(type(one) is int and one >= 0 for one in value)
        and length in (None, len(value))
    )


def _read_tensor(
    path: Path, file: BinaryIO, entry: _Entry, update: Callable[[memoryview], None]
) -> Array:
    """Read the bytes of the next tensor.

    Raises:
        CheckpointError: The file became shorter, or a number is not finite or absurdly large.
    """
    stored = np.empty(entry.end - entry.start, np.uint8)
    view = stored.data
    if file.readinto(view) != len(view):  # type: ignore[attr-defined]
        raise CheckpointError(f"{path} was changed while it was read: import it again")
    update(view)
    numbers = entry.dtype.convert(stored.view(entry.dtype.stored).reshape(entry.shape))
    if numbers.dtype == np.float32 and numbers.size:
        largest = max(float(numbers.max()), -float(numbers.min()))
        if not math.isfinite(largest):
            raise CheckpointError(
                f"{path}: {entry.name} has numbers that are not finite (NaN, or too large for float32), so the "
                "model cannot answer: train or save it again"
            )
        if largest > _LARGEST:
            raise CheckpointError(
                f"{path}: {entry.name} has numbers up to {largest:.0e}, whose products are too large for "
                f"float32; at most {_LARGEST:.0e} is read. The file is damaged, or training diverged: "
                "download, train or save it again"
            )
    return numbers
