"""The model directory on disk: written whole or not at all, and verified before anything is used.

A bundle is a flat directory: `manifest.json`, `config.json`, graphs, weights, tokenizer files,
`golden.json`, a model card. The manifest lists every other file with size and SHA-256. What a graph
computes and what the config means, this module does not know. Specified in docs/extending.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqserve.bundle_folder import MANIFEST, read_manifest
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import BundleError, ConfigError
from seqserve.files import sha256_of
from seqserve.manifest import Description, FileEntry, Manifest
from seqserve.quoting import cut
from seqserve.tasks import TASKS

FORMAT_VERSION = 3
_OLDEST_VERSION = 2  # graphs refer to weights.safetensors; `metrics` of the manifest is `figures`

_CONFIG, _GOLDEN = "config.json", "golden.json"
_SUFFIXES = (".onnx", ".json", ".safetensors", ".txt", ".md")  # no pickle, ever
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_ID = 99  # NAME@VERSION fits into the field `model` of a request
_PLAIN_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._+-]{{,{_MAX_ID - 1}}}")
ID_RULE = f"use up to {_MAX_ID} letters, digits, '.', '_', '+' and '-', a letter or digit first"
"""What a name or a version of a model is made of; see `is_plain_id`."""


@dataclass(frozen=True)
class Bundle:
    """A verified model directory.

    Args:
        path: The directory.
        manifest: Who made what, from which data, and which files belong to it.
        config: What config.json holds: dimensions, settings and vocabularies of the model.
    """

    path: Path
    manifest: Manifest
    config: dict[str, Any]

    @property
    def sha256(self) -> str:
        """The bundle's identity: a digest over the names, sizes and digests of all its files."""
        table = {name: [entry.sha256, entry.bytes] for name, entry in self.manifest.files.items()}
        return hashlib.sha256(_json_bytes(table)).hexdigest()

    def file(self, name: str) -> Path:
        """The path of one of the bundle's files.

        Raises:
            BundleError: The manifest does not list this name.
        """
        if name not in self.manifest.files:
            there = ", ".join(sorted(self.manifest.files))
            raise BundleError(f"bundle {self.path} has no file {name!r}; it has: {there}")
        return self.path / name

    def read(self, name: str) -> bytes:
        """Return the contents of one of the bundle's files, verified.

        What is hashed are the bytes that are returned, so a file that changes on disk after `load_bundle`
        is noticed here, or has no effect any more.

        Raises:
            BundleError: The manifest does not list this name, or the file is not the listed one any more.
        """
        path, expected = self.file(name), self.manifest.files[name]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}") from error
        if len(content) != expected.bytes or hashlib.sha256(content).hexdigest() != expected.sha256:
            raise BundleError(
                f"{path} was changed while the bundle was opened: replace a bundle by a rename, not in place"
            )
        return content

    def golden(self) -> list[dict[str, Any]]:
        """The golden cases: dicts with an `input` and the `output` that the model returned for it.

        Raises:
            BundleError: There is no golden.json, or it is malformed.
        """
        return [dict(input=case.input, output=case.output) for case in self._golden().cases]

    def golden_tolerance(self) -> float:
        """How far a number in an output may be from its golden case.

        Raises:
            BundleError: There is no golden.json, or it is malformed.
        """
        return self._golden().tolerance

    def _golden(self) -> _Golden:
        path = self.file(_GOLDEN)
        try:
            value = _parse_object(self.read(_GOLDEN), _GOLDEN)
            return from_mapping(_Golden, value, where=str(path))
        except (ConfigError, ValueError) as error:
            raise BundleError(f"{path} is malformed: {error}. Export the bundle again") from error


@dataclass(frozen=True)
class _GoldenCase:
    input: dict[str, Any]
    output: dict[str, Any]


@dataclass(frozen=True)
class _Golden:
    tolerance: float
    cases: tuple[_GoldenCase, ...]


def is_plain_id(named: str) -> bool:
    """Return whether a name or a version can be a part of `NAME@VERSION`."""
    return _PLAIN_ID.fullmatch(named) is not None


def load_bundle(path: Path) -> Bundle:
    """A bundle whose every file was hashed and found to be the one that its maker wrote.

    Args:
        path: The model directory.

    Raises:
        BundleError: The directory is missing, of another format, incomplete or damaged; names all
            files that are not as they should be.
    """
    return _verify(path, shown_as=path)


def describe_bundle(path: Path) -> Bundle:
    """Return a bundle of which only the manifest was read and checked; its config is empty.

    Args:
        path: The model directory.

    Raises:
        BundleError: The manifest is missing, of another format or malformed.
    """
    return _verify(path, shown_as=path, only_manifest=True)


def write_bundle(directory: Path, files: Mapping[str, bytes], description: Description) -> Bundle:
    """Write a model directory: all of it, or nothing.

    The same input produces the same bytes. The files go to a hidden directory beside it first, are
    read back and verified there, and take their place by one rename.

    Args:
        directory: Where to; must not exist yet, its parent must.
        files: Contents by plain file name, config.json among them; the manifest is added here.
        description: What the manifest says beside the table of files.

    Raises:
        BundleError: The directory exists, its parent does not, or load_bundle would refuse it.
    """
    if os.path.lexists(directory):
        raise BundleError(f"{directory} exists already: delete it, or choose another directory")
    if not directory.parent.is_dir():
        raise BundleError(f"{directory.parent} is not a directory: create it first")
    entries = {
        name: FileEntry(hashlib.sha256(content).hexdigest(), len(content))
        for name, content in files.items()
    }
    said = {field.name: getattr(description, field.name) for field in fields(Description)}
    manifest = Manifest(**said, format_version=FORMAT_VERSION, files=entries)
    _refuse_if_any([*_said_problems(manifest), *_name_problems(files)], directory)
    with TemporaryDirectory(prefix=f".{directory.name}.", dir=directory.parent) as scratch:
        unfinished = Path(scratch, directory.name)
        unfinished.mkdir()
        for name, content in [*files.items(), (MANIFEST, _json_bytes(to_mapping(manifest)))]:
            _write_to_disk(unfinished / name, content)
        bundle = _verify(unfinished, shown_as=directory)
        _sync_directory(unfinished)
        unfinished.rename(directory)
    _sync_directory(directory.parent)
    return replace(bundle, path=directory)


def replace_bundle(bundle: Bundle, files: Mapping[str, bytes], description: Description) -> Bundle:
    """Write a model directory in the place of one, which stays until the new one is whole and verified.

    Raises:
        BundleError: load_bundle would refuse the new one.
    """
    directory = bundle.path.resolve()  # of a link, what it leads to
    with TemporaryDirectory(prefix=f".{directory.name}.", dir=directory.parent) as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        write_bundle(new, files, description)
        directory.rename(old)
        try:
            new.rename(directory)
        finally:
            if not directory.exists():
                old.rename(directory)
    _sync_directory(directory.parent)
    return load_bundle(bundle.path)


def _verify(path: Path, shown_as: Path, *, only_manifest: bool = False) -> Bundle:
    """load_bundle, for a directory that goes by another name in messages."""
    if not path.is_dir():
        raise BundleError(f"{shown_as} is not a directory: check the path, or export the model")
    try:
        manifest = _read_manifest(path)
        problems = [
            *_said_problems(manifest),
            *_name_problems(manifest.files),
            *_entry_problems(manifest.files),
        ]
        if not only_manifest:
            problems += _directory_problems(path, manifest.files)
        _refuse_if_any(problems, shown_as)
        bundle = Bundle(path, manifest, {})
        if only_manifest:
            return bundle
        return replace(bundle, config=_parse_object(bundle.read(_CONFIG), _CONFIG))
    except OSError as error:
        reason = f"{Path(error.filename or path).name} cannot be read: {error.strerror}"
        raise BundleError(f"bundle {shown_as}: {reason}; check the file and its rights") from error
    except (ConfigError, ValueError) as error:
        raise BundleError(f"bundle {shown_as}: {error}; copy or export it again") from error


def _read_manifest(path: Path) -> Manifest:
    """The manifest as it stands; only its keys and types were checked."""
    try:
        content = read_manifest(path / MANIFEST)
    except FileNotFoundError:
        raise ValueError(f"{MANIFEST} is missing, so this is no bundle or half of one") from None
    except ValueError as error:
        raise ValueError(f"{MANIFEST} {error}") from None
    values = _parse_object(content, MANIFEST)
    version = values.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        reads = f"this program reads {FORMAT_VERSION}: upgrade seqserve"
        raise BundleError(f"{path}: this bundle has format {version}, {reads}")
    if version == _OLDEST_VERSION and "figures" in values:
        values["metrics"] = values.pop("figures")
    return from_mapping(Manifest, values, where=MANIFEST)


def _said_problems(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the values of a manifest, its table of files aside."""
    if manifest.format_version < _OLDEST_VERSION:
        reads = f"this program reads {_OLDEST_VERSION} to {FORMAT_VERSION}: export the model again"
        yield f"format_version is {manifest.format_version}; {reads}"
    for key, named in (("name", manifest.name), ("version", manifest.version)):
        if not is_plain_id(named):
            yield f"{key} is {cut(named)!a}; {ID_RULE}"
    yield from _language_problems(manifest)
    for name, metric in manifest.metrics.items():
        if not math.isfinite(metric):
            yield f"metrics: {cut(name)} is {metric}; measure it again, or leave it out"
    for name, limit in manifest.limits.items():
        if limit < 1:
            yield f"limits: {cut(name)} is {limit}; a limit is at least 1"
    for name, threshold in manifest.thresholds.items():
        if not math.isfinite(threshold):
            yield f"thresholds: {cut(name)} is {threshold}; choose it again, or leave it out"
    try:
        date.fromisoformat(manifest.created)
    except ValueError:
        yield f"created is {cut(manifest.created)!r}; it must be an ISO date such as 2026-01-31"


def _language_problems(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the languages of a manifest."""
    if not TASKS[manifest.task].is_pair:
        if manifest.pairs:
            yield f"pairs are {cut(str(manifest.pairs))}; {manifest.task} has none"
    elif not manifest.pairs and len(manifest.languages) != 2:
        yield f"languages are {manifest.languages}; {manifest.task} needs exactly (source, target), or pairs"
    elif manifest.pairs and set(manifest.languages) != set(chain(*manifest.pairs)):
        yield f"languages are {manifest.languages}; those of the pairs are {manifest.pairs}"


def _name_problems(names: Collection[str]) -> Iterator[str]:
    """What is wrong with the names of a bundle's files."""
    if _CONFIG not in names:
        yield f"{_CONFIG} is not among the files; every model has one, if only {{}}"
    for name in sorted(names):
        if not _PLAIN_NAME.fullmatch(name):
            yield f"{cut(name)!r} is no plain file name: use letters, digits, '.', '_' and '-'"
        elif name == MANIFEST:
            yield f"{name} cannot list itself: leave it out"
        elif Path(name).suffix not in _SUFFIXES:
            yield f"{cut(name)} has a suffix that is not allowed; allowed are {', '.join(_SUFFIXES)}"


def _entry_problems(files: Mapping[str, FileEntry]) -> Iterator[str]:
    """What is wrong with the sizes and checksums in a table of files."""
    for name, entry in files.items():
        if not _SHA256.fullmatch(entry.sha256):
            yield f"files: the sha256 of {cut(name)} must be 64 hexadecimal digits in lower case"
        if entry.bytes < 0:
            yield f"files: {cut(name)} has {entry.bytes} bytes; a size is not below 0"


def _directory_problems(path: Path, files: Mapping[str, FileEntry]) -> Iterator[str]:
    """Where the files on disk are not those of the table."""
    there = {entry.name: entry for entry in path.iterdir()}
    for name, entry in sorted(there.items()):
        if entry.is_symlink() or not entry.is_file():
            yield f"{name} is no regular file: put a copy of the file in its place, or remove it"
        elif name in files:
            yield from _content_problems(entry, files[name])
        elif name != MANIFEST:
            yield f"{name} is not listed in {MANIFEST}: remove it"
    for name in sorted(set(files) - set(there)):
        yield f"{cut(name)} is listed, but missing: copy or export the bundle again"


def _content_problems(path: Path, expected: FileEntry) -> Iterator[str]:
    n_bytes = path.stat().st_size
    if n_bytes != expected.bytes:
        yield f"{path.name} has {n_bytes} bytes instead of {expected.bytes}: copy it again"
    elif sha256_of(path) != expected.sha256:
        yield f"{path.name} was changed, its SHA-256 differs: copy it again, or export anew"


def _refuse_if_any(problems: Collection[str], shown_as: Path) -> None:
    if problems:
        listed = "".join(f"\n- {problem}" for problem in problems)
        raise BundleError(f"bundle {shown_as} is not as it should be:{listed}")


def _json_bytes(value: Any) -> bytes:
    """The one way to write this value as JSON."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _parse_object(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{name} holds a {type(value).__name__}, not an object")
    return value


def _write_to_disk(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
