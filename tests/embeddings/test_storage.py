from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqserve.embeddings.storage import Precision, TextFile, VectorMeta, load_vectors, save_vectors
from seqserve.embeddings.vectors import WordVectors
from seqserve.errors import BundleError, DataError

DATA = (TextFile("texts/a.txt", "0" * 64, 3, "CC0"),)


def meta(precision: Precision = "fp16") -> VectorMeta:
    return VectorMeta("skip-gram", {"window": 5, "softmax": "negative"}, precision, DATA, "CC0")


def some_vectors(has_ngrams: bool = True) -> WordVectors:
    rng = np.random.default_rng(3)
    rows = (rng.normal(size=(20, 6)) * 10.0 ** rng.integers(-3, 4, (20, 1))).astype(np.float32)
    rows[4] = 0
    words = tuple(["café", "中文", "don't", *(f"w{i}" for i in range(17))])
    return WordVectors(words, rows, rows[::-1].copy() if has_ngrams else None)


@pytest.mark.parametrize("has_ngrams", [True, False])
@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_round_trip_with_bounded_errors(
    tmp_path: Path, precision: Precision, has_ngrams: bool
) -> None:
    vectors = some_vectors(has_ngrams)
    save_vectors(tmp_path / "v", vectors, meta(precision))
    loaded, about = load_vectors(tmp_path / "v")
    assert loaded.words == vectors.words and about == meta(precision)
    assert (loaded.ngrams is not None) == has_ngrams and loaded.rows.dtype == np.float32
    pairs = [(vectors.rows, loaded.rows)]
    pairs += [(vectors.ngrams, loaded.ngrams)] if has_ngrams else []  # type: ignore[list-item]
    for before, after in pairs:
        errors, sizes = np.abs(after - before), np.abs(before)
        if precision == "fp16":  # half of the last of 11 bits, or of the smallest number
            assert (errors <= sizes * 2.0**-11 + 2.0**-25).all()
        else:  # half a step; a step is 1/127 of the largest number of the row
            assert (errors <= sizes.max(1, keepdims=True) / 254 * 1.0001).all()
        assert errors.max() > 0


def test_int8_is_half_of_fp16(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(500, 100)).astype(np.float32)
    vectors = WordVectors(tuple(f"w{i}" for i in range(500)), rows)
    sizes = []
    for precision in ("fp16", "int8"):
        save_vectors(tmp_path / precision, vectors, meta(precision))
        sizes.append((tmp_path / precision / "vectors.safetensors").stat().st_size)
    assert sizes[1] < 0.55 * sizes[0]


def test_the_same_vectors_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_vectors(tmp_path / name, some_vectors(), meta())
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_reading_and_asking_need_numpy_only(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v", some_vectors(), meta())
    code = (
        "import sys; from pathlib import Path; from seqserve.embeddings import queries, storage\n"
        f"vectors, _ = storage.load_vectors(Path({str(tmp_path / 'v')!r}))\n"
        "assert queries.neighbours(vectors, 'w0') and queries.analogy(vectors, 'w0', 'w1', 'w2')\n"
        "print([m for m in ('torch', 'gensim', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_what_a_killed_run_left_is_no_part_of_the_vectors(tmp_path: Path) -> None:
    left = tmp_path / "v.partial"
    left.mkdir()
    (left / "zzz").write_text("old")
    save_vectors(tmp_path / "v", some_vectors(), meta())
    names = {path.name for path in (tmp_path / "v").iterdir()}
    assert names == {"vectors.safetensors", "words.json", "meta.json"}


@pytest.mark.parametrize("name", ["x" * 300, "é" * 130])
def test_a_name_that_no_directory_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="is too long for the name of a directory"):
        save_vectors(tmp_path / name, some_vectors(), meta())


def edit(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Return what changes a JSON file, and its checksum, so that only the content is at fault."""

    def apply(directory: Path) -> None:
        path = directory / name
        path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))))
        if name != "meta.json":
            about = json.loads((directory / "meta.json").read_text("utf-8"))
            about["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
            (directory / "meta.json").write_text(json.dumps(about))

    return apply


def flip(directory: Path) -> None:
    path = directory / "vectors.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(directory: Path) -> None:
    path = directory / "vectors.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def no_tensors(directory: Path) -> None:
    path = directory / "vectors.safetensors"
    path.write_bytes(b"no tensors")
    about = json.loads((directory / "meta.json").read_text("utf-8"))
    about["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (directory / "meta.json").write_text(json.dumps(about))


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a bit": (flip, "vectors.safetensors was changed"),
    "cut": (cut, "vectors.safetensors was changed"),
    "no tensors": (no_tensors, "copy it, or train the vectors again"),
    "no meta": (lambda d: (d / "meta.json").unlink(), "meta.json cannot be read"),
    "no words": (lambda d: (d / "words.json").unlink(), "words.json cannot be read"),
    "no JSON": (lambda d: (d / "meta.json").write_text("{"), "copy it, or train"),
    "a list": (lambda d: (d / "meta.json").write_text("[]"), "expected a table"),
    "newer": (edit("meta.json", lambda m: {**m, "format_version": 9}), "format 9; .* reads 1"),
    "unknown key": (edit("meta.json", lambda m: {**m, "x": 1}), "Known keys"),
    "fewer words": (edit("words.json", lambda w: w[1:]), "a word for each of the 20 vectors"),
    "numbers": (edit("words.json", lambda w: list(range(20))), "a word for each of the 20 vectors"),
    "words twice": (edit("words.json", lambda w: [w[0], *w[:-1]]), "a word for each"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_found(tmp_path: Path, damage: Callable[[Path], Any], message: str) -> None:
    save_vectors(tmp_path / "v", some_vectors(), meta("int8"))
    damage(tmp_path / "v")
    with pytest.raises(BundleError, match=message):
        load_vectors(tmp_path / "v")


def test_what_is_not_written(tmp_path: Path) -> None:
    save_vectors(tmp_path / "v", some_vectors(), meta())
    with pytest.raises(DataError, match="exists already"):
        save_vectors(tmp_path / "v", some_vectors(), meta())
    with pytest.raises(DataError, match="create it first"):
        save_vectors(tmp_path / "no" / "v", some_vectors(), meta())
    with pytest.raises(BundleError, match="holds no word vectors"):
        load_vectors(tmp_path / "nowhere")


BEYOND = [("fp16", 1e5), ("fp16", np.nan), ("int8", np.inf), ("int8", np.nan)]


@pytest.mark.parametrize(("precision", "number"), BEYOND)
def test_numbers_that_cannot_be_stored(tmp_path: Path, precision: Precision, number: float) -> None:
    rows = np.array([[1, number]], np.float32)
    with pytest.raises(DataError, match=f"{precision} cannot hold"):
        save_vectors(tmp_path / "v", WordVectors(("a",), rows), meta(precision))
    assert list(tmp_path.iterdir()) == []
