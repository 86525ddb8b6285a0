"""Inventory of a folder of data sets: splits, counts, licences, and files that differ from META.json.

A data set is a folder with files that seqserve/training/data reads. `META.json` beside them is optional: its
`licence` or `licences` is shown, and the `sha256` of its `files` is compared with the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seqserve.datasets.meta import META_FILE, licence_of, read_meta
from seqserve.errors import ConfigError, DataError
from seqserve.files import sha256_of
from seqserve.tasks import TASKS, Task
from seqserve.training.data import (
    count_examples,
    has_labels,
    read_raw,
    read_unlabelled,
)
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet

Kind = Task | Literal["labelled", "unlabelled"]


@dataclass
class FoundSet:
    """One data set.

    Args:
        path: Path below the data root, as recipes name it.
        kind: The task of its files; `labelled` texts are those of sentiment or classification, which the recipe
            decides.
        languages: Languages of the two sides, for translation.
        counts: Examples by split.
        licence: From META.json; empty if not stated.
        faults: Descriptions of its faults.
        absent: Files that META.json lists and that do not exist.
    """

    path: str
    kind: Kind
    languages: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    licence: str = ""
    faults: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


def find_sets(root: Path, *, hashed: bool) -> Iterator[FoundSet]:
    """Read every data set below a folder, in the order of the names.

    Args:
        root: The data root.
        hashed: Whether checksums are verified.

    Raises:
        DataError: There is no such folder.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a directory; name the data root with --data")
    for folder in sorted(path for path in root.rglob("*") if path.is_dir()):
        if not any(part.startswith(".") for part in folder.relative_to(root).parts):
            yield from _sets_in(root, folder, hashed=hashed)


def _sets_in(root: Path, folder: Path, *, hashed: bool) -> Iterator[FoundSet]:
    """Yield the data set of a folder, if it is one."""
    stems: dict[str, set[str]] = defaultdict(set)  # by split, the endings of its files
    for file in folder.iterdir():
        stem, dot, ending = file.name.removesuffix(".xz").partition(".")
        if file.is_file() and dot:
            stems[stem].add(ending)
    path = str(folder.relative_to(root))
    kinds = [_kind_of(endings) for endings in stems.values()]
    found = next((one for one in kinds if one is not None), None)
    if found is None:
        return
    described = FoundSet(path, *found)
    meta: dict[str, Any] = {}
    try:
        meta = read_meta(folder)
    except DataError as error:
        described.faults.append(str(error))
    described.licence = licence_of(meta)
    for stem, endings in sorted(stems.items()):
        if _kind_of(endings) == found:
            _count(root, described, stem)
    if hashed:
        _verify(folder, meta, described)
    yield described


def _kind_of(endings: set[str]) -> tuple[Kind, tuple[str, ...]] | None:
    """Return the kind of a split's files, by their endings."""
    if "jsonl" in endings:
        return "labelled", ()
    languages = tuple(sorted(ending for ending in endings if 2 <= len(ending) <= 3))
    for task, spec in TASKS.items():
        if spec.data_suffix and spec.data_suffix in endings:
            return task, ()
        if spec.is_pair and len(languages) == 2:
            return task, languages
    return None


def _count(root: Path, found: FoundSet, stem: str) -> None:
    """Read a split; an error becomes a fault."""
    dataset = DataSet(found.path, "", split=stem)
    try:
        if found.kind == "labelled" and not found.counts and not has_labels(root, dataset, "test"):
            found.kind = "unlabelled"
        if found.kind == "unlabelled":
            n_examples = len(read_unlabelled(root, f"{found.path}/{stem}.jsonl"))
        elif found.kind == "labelled":
            n_examples = len(read_raw(root, dataset, "test"))
        else:
            n_examples = count_examples(root, dataset, "test", found.kind, found.languages)
    except DataError as error:
        found.faults.append(str(error))
    else:
        found.counts[stem] = n_examples


def _verify(folder: Path, meta: dict[str, Any], found: FoundSet) -> None:
    """Compare the files with their checksums in META.json."""
    files = meta.get("files", {})
    for name, entry in sorted(files.items() if isinstance(files, dict) else ()):
        path = folder / name
        if not path.is_file():
            found.absent.append(name)
        elif isinstance(entry, dict) and sha256_of(path) != entry.get("sha256"):
            found.faults.append(
                f"{name} has another checksum than in {META_FILE}: download it again"
            )


def missing_for(recipe: Recipe, root: Path) -> list[str]:
    """Return the files that a recipe needs and a data root does not have, without `.xz`."""
    wanted: dict[str, None] = {}
    data = recipe.data
    splits = {"train": data.train, "dev": (*data.dev, *data.calibration), "test": data.test}
    for split, datasets in splits.items():
        for dataset in datasets:
            for ending in _endings(recipe, dataset):
                wanted[f"{dataset.path}/{dataset.split or split}.{ending}"] = None
    for file in _files_of_text(recipe):
        wanted[file.removesuffix(".xz")] = None
    return [
        name for name in wanted if not any(Path(root, name + end).is_file() for end in ("", ".xz"))
    ]


def _endings(recipe: Recipe, dataset: DataSet) -> tuple[str, ...]:
    if dataset.label:
        return (dataset.lines_suffix,)
    suffix = TASKS[recipe.task].data_suffix
    return (suffix,) if suffix else recipe.languages


def _files_of_text(recipe: Recipe) -> Iterator[str]:
    """Yield the unlabelled texts and vector files that `[text]` names.

    Raises:
        ConfigError: They are not paths.
    """
    vectors = recipe.text.get("vectors", {})
    named = [*recipe.text.get("unlabelled", ())]
    if isinstance(vectors, dict) and vectors.get("file"):
        named.append(vectors["file"])
    for file in named:
        if not isinstance(file, str):
            raise ConfigError(f"{recipe.name} [text]: {file!r} is no path of a file")
        yield file
