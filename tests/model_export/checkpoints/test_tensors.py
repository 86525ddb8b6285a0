"""Types that are read as torch would read them, and damaged files, a row each."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from model_export.checkpoints.tensors import read_tensors
from seqserve.errors import CheckpointError

TYPES = {
    torch.float32: np.float32,
    torch.float16: np.float32,
    torch.bfloat16: np.float32,
    torch.float64: np.float32,
    torch.int64: np.int64,
    torch.int32: np.int32,
    torch.int16: np.int16,
    torch.int8: np.int8,
    torch.uint8: np.uint8,
    torch.bool: np.bool_,
}


@pytest.mark.parametrize(("stored", "read"), TYPES.items(), ids=str)
def test_types(tmp_path: Path, stored: torch.dtype, read: type[np.generic]) -> None:
    tensor = (torch.randn(3, 5, generator=torch.Generator().manual_seed(1)) * 50).to(stored)
    path = tmp_path / "model.safetensors"
    save_file({"b": tensor, "a": tensor[:1, 0].clone(), "none": tensor[:0].clone()}, path)
    found, sha256 = read_tensors(path)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    expected = tensor.to(torch.float32) if read is np.float32 else tensor
    assert found["b"].dtype == read and found["none"].shape == (0, 5)
    np.testing.assert_array_equal(found["b"], expected.numpy())
    np.testing.assert_array_equal(found["a"], expected[:1, 0].numpy())


def test_scalar_and_metadata(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"scale": torch.tensor(2.5)}, path, metadata={"format": "pt"})
    assert read_tensors(path)[0] == {"scale": np.float32(2.5)}


def file_of(header: Any, data: bytes = b"\0" * 8, length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def entry(dtype: Any = "F32", shape: Any = (2,), places: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": places}


TWO = {"a": entry(shape=[1], places=[0, 4]), "b": entry(shape=[1], places=[4, 8])}
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", r"is no safetensors file"),
    "a few bytes": (b"\x02\0\0", r"is no safetensors file"),
    "a zip": (b"PK\x03\x04" + b"\0" * 100, r"is no safetensors file|ends inside of its header"),
    "a header of 1 PB": (file_of({}, length=2**50), r"is no safetensors file: .*above"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", r"pointer of Git LFS"),
    "half a header": (file_of({"a": entry()}, b"", 500), r"ends inside of its header"),
    "a header that is no JSON": (file_of(b"{{"), r"the header of .* is not JSON"),
    "a header that is no UTF-8": (file_of(b'{"\xff":1}'), r"the header of .* is not UTF-8"),
    "a header that is a list": (file_of([]), r"is no JSON object"),
    "a name twice": (
        file_of(b'{"a":{"dtype":"F32"},"a":{"dtype":"F32"}}'),
        r"the header of .* has the same key twice",
    ),
    "truncated": (file_of({"a": entry()}, b"\0" * 7), r"has \d+ bytes; its header describes \d+"),
    "too long": (file_of({"a": entry()}, b"\0" * 9), r"has \d+ bytes; its header describes \d+"),
    "an entry without fields": (file_of({"a": {}}), r"lacks dtype, shape or data_offsets of a"),
    "an entry that is no object": (file_of({"a": 1}), r"lacks dtype, shape or data_offsets of a"),
    "a negative size": (file_of({"a": entry(shape=[-2])}), r"lacks dtype, shape or data_offsets"),
    "a size that is a fraction": (file_of({"a": entry(shape=[2.0])}), r"lacks dtype, shape"),
    "one offset": (file_of({"a": entry(places=[8])}), r"lacks dtype, shape or data_offsets"),
    "an eight-bit float": (file_of({"a": entry("F8_E4M3")}), r"a has type F8_E4M3; F32, F16"),
    "a type that is a number": (file_of({"a": entry(32)}), r"lacks dtype, shape or data_offsets"),
    "another shape": (file_of({"a": entry(shape=[3])}), r"a has 8 bytes; .* need 12"),
    "a shape beyond memory": (
        file_of({"a": entry(shape=[2**40, 2**40])}),
        r"a has 8 bytes; .* need",
    ),
    "ends before it begins": (file_of({"a": entry(places=[8, 0])}), r"a has -8 bytes"),
    "a gap": (
        file_of({**TWO, "b": entry(shape=[1], places=[5, 9])}, b"\0" * 9),
        r"the bytes of b begin at 5, those before it end at 4",
    ),
    "an overlap": (
        file_of({**TWO, "b": entry(shape=[1], places=[2, 6])}, b"\0" * 6),
        r"the bytes of b begin at 2, those before it end at 4",
    ),
    "not a number": (file_of({"a": entry()}, struct.pack("<2f", 1, float("nan"))), r"not finite"),
    "infinity": (
        file_of({"a": entry("F16", [4])}, np.array([1, np.inf, 1, 1], "<f2").tobytes()),
        r"a has numbers that are not finite",
    ),
    "too large for float32": (
        file_of({"a": entry("F64", [1])}, struct.pack("<d", 1e300)),
        r"a has numbers that are not finite",
    ),
    "too large for products": (
        file_of({"a": entry()}, struct.pack("<2f", 1, -1e37)),
        r"a has numbers up to 1e\+37, whose products are too large for float32",
    ),
}


@pytest.mark.parametrize(("contents", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_files(tmp_path: Path, contents: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(contents)
    with pytest.raises(CheckpointError, match=message):
        read_tensors(path)


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda raw: raw[: len(raw) // 2],
    "the last byte": lambda raw: raw[:-1],
    "the prefix alone": lambda raw: raw[:8],
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_truncated_downloads(tmp_path: Path, cut: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.ones(100), "b": torch.ones(50)}, path)
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(CheckpointError, match=r"incomplete|describes"):
        read_tensors(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        read_tensors(tmp_path / "model.safetensors")
