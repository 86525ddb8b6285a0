"""Download of public data sets: converted, counted, and written completely or not at all."""

from __future__ import annotations

import hashlib
import lzma
import shutil
import zlib
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from tarfile import TarError
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from urllib.request import urlopen

from seqserve.datasets.catalogue import Source
from seqserve.datasets.meta import describe_file, write_meta
from seqserve.datasets.originals import Converted
from seqserve.errors import DataError
from seqserve.training.data import count_examples
from seqserve.training.recipe_data import DataSet

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60.0

Tell = Callable[[str, int, int | None], None]
"""Takes the URL that is being read, its bytes so far, and its size, if the server states it."""


def fetch(source: Source, root: Path, mirror: str | None, tell: Tell) -> dict[str, bool]:
    """Download and convert one data set.

    Args:
        source: The data set.
        root: The data root; gets the folder.
        mirror: Base URL with the same files under HOST/PATH, instead of the original addresses.
        tell: Called while bytes arrive.

    Returns:
        Per converted file whether it equals the training data of the shipped models.

    Raises:
        DataError: The folder exists, a download fails or is malformed, or a count is not the expected one.
    """
    folder = root / source.path
    if folder.exists():
        raise DataError(f"{folder} exists: remove it to fetch it again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        downloads = Path(scratch, "originals")
        downloads.mkdir()
        came = {url: _download(url, mirror, downloads, tell) for url in source.urls}
        converted = _convert(source, came)
        made = Path(scratch, folder.name)
        made.mkdir()
        same = {name: _write(made, name, lines, source) for name, lines in converted.items()}
        counts = _counts(made, source)
        _check_counts(counts, source)
        origin = {url: describe_file(path) for url, path in came.items()}
        write_meta(made, {"origin": origin, "licence": source.licence, "splits": counts})
        shutil.move(made, folder)
    return same


def _download(url: str, mirror: str | None, folder: Path, tell: Tell) -> Path:
    parts = urlsplit(url)
    address = url if mirror is None else f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"
    path = folder / Path(parts.path).name
    try:
        with urlopen(address, timeout=_TIMEOUT_S) as answer, path.open("wb") as file:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            n_bytes = 0
            while chunk := answer.read(_CHUNK_BYTES):
                file.write(chunk)
                n_bytes += len(chunk)
                tell(url, n_bytes, total)
    except (OSError, ValueError, HTTPException) as error:
        raise DataError(
            f"{address} cannot be downloaded: {getattr(error, 'reason', error)}. Try again, or set --mirror"
        ) from None
    if total is not None and n_bytes != total:
        raise DataError(f"{address} ended after {n_bytes} of {total} bytes: try again")
    return path


def _convert(source: Source, came: dict[str, Path]) -> Converted:
    """Convert the downloads.

    Raises:
        DataError: A file is not in the expected format, such as the error page of a proxy.
    """
    try:
        return source.convert({path.name: path for path in came.values()})
    except (OSError, EOFError, ValueError, LookupError, TarError, zlib.error) as error:
        raise DataError(f"{source.path}: the originals cannot be read: {error!r}") from error


def _write(folder: Path, name: str, lines: list[str], source: Source) -> bool:
    raw = "".join(f"{line}\n" for line in lines).encode()
    (folder / f"{name}.xz").write_bytes(lzma.compress(raw))
    return hashlib.sha256(raw).hexdigest() == source.sha256.get(name)


def _counts(folder: Path, source: Source) -> dict[str, int]:
    splits = {path.name.split(".")[0] for path in folder.iterdir()}
    return {
        split: count_examples(
            folder.parent,
            DataSet(folder.name, "", split=split),
            "test",
            source.task,
            source.languages,
        )
        for split in sorted(splits)
    }


def _check_counts(counts: dict[str, int], source: Source) -> None:
    """Check the number of examples.

    Raises:
        DataError: It differs from the expected one.
    """
    for splits, expected in source.counts.items():
        found = sum(counts.get(split, 0) for split in splits.split("+"))
        if found != expected:
            raise DataError(
                f"{source.path}: {splits} has {found} examples; expected are {expected}. "
                "The originals have changed: nothing was written"
            )
