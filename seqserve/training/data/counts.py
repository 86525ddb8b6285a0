"""How many examples a data set has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from seqserve.tasks import TASKS, Task
from seqserve.training.data.files import Split
from seqserve.training.data.labelled import read_raw
from seqserve.training.data.pairs import read_pairs
from seqserve.training.data.tagged import read_tagged
from seqserve.training.recipe_data import DataSet

READERS: Mapping[str, Callable[[Path, DataSet, Split], Sequence[object]]] = {
    "conll": read_tagged,
    "jsonl": read_raw,
}
"""By the suffix of the files."""


def count_examples(
    root: Path, dataset: DataSet, split: Split, task: Task, languages: Sequence[str]
) -> int:
    """Return how many sentences, texts or pairs a split holds."""
    read = READERS.get(TASKS[task].data_suffix)
    if read is None:
        return len(read_pairs(root, dataset, split, languages))
    return len(read(root, dataset, split))


def count_calibration(root: Path, dataset: DataSet, task: Task) -> int:
    """Return how many sentences or texts a calibration set holds."""
    return len(READERS[TASKS[task].data_suffix](root, dataset, "dev"))
