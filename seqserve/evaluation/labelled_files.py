"""Measure an engine on single files of labelled data, named by their paths instead of by a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqserve.errors import DataError
from seqserve.evaluation.measurement import Query, measure
from seqserve.evaluation.report import Report
from seqserve.runtime.engine import Engine
from seqserve.tasks import TASKS
from seqserve.training.recipe_data import DataSet

_PACKED = ".xz"


def evaluate_files(engine: Engine, files: Sequence[Path], labels: Sequence[str] = ()) -> Report:
    """Measure an engine on files in the formats of the training data.

    Args:
        engine: Answers the texts.
        files: `NAME.conll` (ner), `NAME.jsonl` (texts with labels), or of a translation either
            `NAME.<language>`; `.xz` may follow.
        labels: Of the files, as `labels` of a `DataSet`.

    Raises:
        DataError: A file is missing, malformed, of another task, or has a label that the model does not know.
    """
    manifest = engine.bundle.manifest
    suffix = TASKS[manifest.task].data_suffix
    suffixes = (suffix,) if suffix else manifest.languages
    queries = [_query(path, suffixes, tuple(labels)) for path in files]
    names = [(query.dataset.name, query.dataset.split) for query in queries]
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"two files have the name {'/'.join(name)}, so their metrics would too: rename a folder"
            )
    return measure(engine, queries, "test", "")


def require_files(files: Sequence[Path]) -> None:
    """Check that files exist, before anything slow is done.

    Raises:
        DataError: One does not.
    """
    for path in files:
        if not path.is_file() and not path.with_name(path.name + _PACKED).is_file():
            raise DataError(f"there is no file {path}")


def _query(path: Path, suffixes: Sequence[str], labels: tuple[str, ...]) -> Query:
    """Return the set that a file is; its name is that of the folder.

    Raises:
        DataError: The suffix is none of the task's.
    """
    require_files([path])
    place = path.resolve().with_name(path.name.removesuffix(_PACKED))
    suffix = place.suffix[1:]
    if suffix not in suffixes:
        raise DataError(
            f"{path} does not end with {' or '.join(f'.{one}' for one in suffixes)}, as the data of this "
            "model do; docs/training.md describes the formats"
        )
    folder = place.parent
    dataset = DataSet(folder.name or place.stem, licence="", split=place.stem, labels=labels)
    return Query(folder.parent, dataset, "test")
