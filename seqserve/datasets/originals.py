"""Conversion of published files to the project's format, without network access.

Each function takes the originals by name and returns the lines of the converted files by name.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from unicodedata import normalize

from seqserve.errors import DataError

Converted = dict[str, list[str]]
"""Lines by file name."""

_UNER = {"PER", "LOC", "ORG"}
_WNUT = {
    "person": "PER",
    "location": "LOC",
    "corporation": "ORG",
    "group": "ORG",
    "creative-work": "MISC",
    "product": "MISC",
}


def multi30k(originals: Mapping[str, Path]) -> Converted:
    """Convert Multi30k: gzipped segments, one per line."""
    names = {"train": "train", "val": "dev", "test_2016_flickr": "test_2016_flickr"}
    return {
        f"{ours}.{language}": _lines(
            gzip.decompress(originals[f"{theirs}.{language}.gz"].read_bytes())
        )
        for theirs, ours in names.items()
        for language in ("en", "de")
    }


def uner(originals: Mapping[str, Path]) -> Converted:
    """Convert UNER: number, token and tag per line; labels other than PER, LOC and ORG become O."""
    return {
        f"{split}.conll": _tagged(
            originals[f"en_ewt-ud-{split}.iob2"], lambda cells: (cells[1], _only(cells[2], _UNER))
        )
        for split in ("train", "dev")
    }


def btc(originals: Mapping[str, Path]) -> Converted:
    """Convert BTC: sections A, B, E and G become train, H becomes dev."""
    sections = {"train": "abeg", "dev": "h"}
    return {
        f"{split}.conll": _joined(
            [
                _tagged(originals[f"{name}.conll"], lambda cells: (cells[0], cells[1]))
                for name in names
            ]
        )
        for split, names in sections.items()
    }


def wnut17(originals: Mapping[str, Path]) -> Converted:
    """Convert WNUT-17: its six labels become four."""
    names = {"train": "wnut17train.conll", "dev": "emerging.dev.conll"}
    return {
        f"{split}.conll": _tagged(originals[name], lambda cells: (cells[0], _renamed(cells[1])))
        for split, name in names.items()
    }


def imdb(originals: Mapping[str, Path]) -> Converted:
    """Convert IMDB reviews; one film of ten, by a hash of its address, goes to dev.

    The dev set of the shipped models has other films: how those were drawn is not recorded.
    """
    converted: Converted = {"train.jsonl": [], "dev.jsonl": [], "test.jsonl": []}
    with tarfile.open(originals["aclImdb_v1.tar.gz"]) as archive:
        reviews: dict[tuple[str, str], list[tuple[int, str]]] = {}
        films: dict[tuple[str, str], list[str]] = {}
        for member in archive:
            parts = Path(member.name).parts
            if len(parts) < 3 or parts[1] not in ("train", "test") or not member.isfile():
                continue
            file = archive.extractfile(member)
            text = file.read().decode("utf-8") if file else ""
            if parts[2] in ("pos", "neg") and len(parts) == 4:
                number = int(parts[3].split("_")[0])
                reviews.setdefault((parts[1], parts[2]), []).append((number, text))
            elif parts[2] in ("urls_pos.txt", "urls_neg.txt"):
                films[parts[1], parts[2][5:8]] = text.split()
    for (split, side), numbered in sorted(reviews.items()):
        for number, text in sorted(numbered):
            ours = split
            if split == "train" and _is_dev(films[split, side][number]):
                ours = "dev"
            record = {"text": normalize("NFC", text), "label": int(side == "pos")}
            converted[f"{ours}.jsonl"].append(json.dumps(record, ensure_ascii=False))
    return converted


def _is_dev(film: str) -> bool:
    address = film.removesuffix("/usercomments")
    return hashlib.sha256(address.encode()).digest()[0] * 10 < 256


def _lines(raw: bytes) -> list[str]:
    text = normalize("NFC", raw.decode("utf-8"))
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def _tagged(path: Path, read: Callable[[list[str]], tuple[str, str]]) -> list[str]:
    """Return sentences as `token<TAB>tag` lines, with an empty line between two sentences.

    Raises:
        DataError: A line has too few columns.
    """
    lines: list[str] = []
    for number, line in enumerate(_lines(path.read_bytes()), 1):
        if line and not (line.startswith("# ") and "\t" not in line):
            try:
                token, tag = read(line.split("\t"))
            except IndexError:
                raise DataError(
                    f"{path.name}, line {number}: {line!r} has too few columns"
                ) from None
            lines.append(f"{token}\t{tag}")
        elif not line and lines and lines[-1]:
            lines.append("")
    return lines[:-1] if lines and not lines[-1] else lines


def _joined(parts: list[list[str]]) -> list[str]:
    """Concatenate lists of sentences."""
    return [line for i, part in enumerate(parts) for line in ([""] if i else []) + part]


def _only(tag: str, labels: set[str]) -> str:
    return tag if tag[2:] in labels else "O"


def _renamed(tag: str) -> str:
    return tag if tag == "O" else f"{tag[:2]}{_WNUT[tag[2:]]}"
