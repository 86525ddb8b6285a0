"""Texts with labels: a JSON object a line, with a `text` and a `label`, or a list of `labels`.

A label is a name, or its place in the labels of the recipe, 0 for the first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from seqserve.errors import ConfigError, DataError
from seqserve.records import NEUTRAL
from seqserve.training.data.files import Split, not_empty, read_lines, stem_of
from seqserve.training.recipe import DataSet, Recipe

Label: TypeAlias = int | str
"""As a file has it."""
Places: TypeAlias = Mapping[Label, int]
"""The index of every label that a file may have."""


@dataclass(frozen=True)
class LabelledText:
    """A text and the indices of its labels, in ascending order."""

    text: str
    labels: tuple[int, ...]

    @property
    def label(self) -> int:
        """The label of a text that has exactly one."""
        (label,) = self.labels
        return label


@dataclass(frozen=True)
class RawText:
    """A text and its labels as the file has them.

    Args:
        text: The text.
        labels: Its labels.
        where: The set, the file and the line, for error messages.
    """

    text: str
    labels: tuple[Label, ...]
    where: str


def places_of(labels: Sequence[str]) -> Places:
    """Return the index of every label, by its name and by its place."""
    return {**{i: i for i in range(len(labels))}, **{name: i for i, name in enumerate(labels)}}


def three_classes(labels: Sequence[str]) -> Places:
    """Return the classes negative, neutral and positive of calibration sets.

    Args:
        labels: The two of the model.
    """
    negative, positive = labels
    return {0: 0, negative: 0, NEUTRAL: 1, 1: 2, positive: 2}


def read_raw(root: Path, dataset: DataSet, split: Split) -> list[RawText]:
    """Read labelled texts, whatever their labels are.

    Raises:
        DataError: A line is not an object with a string `text` and a `label` or `labels`, or there is none.
    """
    stem = stem_of(dataset, split)
    texts = []
    for number, line in enumerate(read_lines(root, dataset.path, f"{stem}.jsonl"), 1):
        where = f"{dataset.path} {stem}, line {number}"
        try:
            record = json.loads(line)
            text = record["text"]
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise DataError(f"{where}: {error!r}") from error
        if not isinstance(text, str):
            raise DataError(f"{where}: text is no string")
        texts.append(RawText(text, _labels_of(record, where), where))
    return not_empty(texts, dataset, stem)


def _labels_of(record: Mapping[str, Any], where: str) -> tuple[Label, ...]:
    if ("label" in record) == ("labels" in record):
        raise DataError(f"{where}: wants either a label or labels, a list, beside the text")
    labels = record["labels"] if "labels" in record else [record["label"]]
    if not isinstance(labels, list) or any(type(label) not in (int, str) for label in labels):
        raise DataError(
            f"{where}: label is {json.dumps(record.get('label', labels))}; it must be a name, or the place in "
            "the recipe's labels, 0 for the first"
        )
    return tuple(labels)


def has_labels(root: Path, dataset: DataSet, split: Split) -> bool:
    """Return whether the first text of a file has labels; True for a malformed line, which `read_raw` reports.

    Raises:
        DataError: There is no file, or it cannot be read.
    """
    lines = read_lines(root, dataset.path, f"{stem_of(dataset, split)}.jsonl")
    try:
        record = json.loads(lines[0])
    except (IndexError, json.JSONDecodeError):
        return True
    return not isinstance(record, dict) or bool(record.keys() & {"label", "labels"})


def read_labelled(
    root: Path, dataset: DataSet, split: Split, places: Places, *, is_multi_label: bool = False
) -> list[LabelledText]:
    """Read labelled texts.

    Args:
        root: Where the data sets are.
        dataset: The set.
        split: Which files.
        places: The labels that it may have.
        is_multi_label: Whether a text may have any number of labels instead of one.

    Raises:
        DataError: As for `read_raw`; or a text has another label, or another number of labels than one.
    """
    return [
        LabelledText(raw.text, _indices(raw, places, is_multi_label=is_multi_label))
        for raw in read_raw(root, dataset, split)
    ]


def _indices(raw: RawText, places: Places, *, is_multi_label: bool) -> tuple[int, ...]:
    unknown = [label for label in raw.labels if label not in places]
    if unknown:
        known = ", ".join(str(label) for label in places if isinstance(label, str))
        raise DataError(
            f"{raw.where}: {unknown[0]!r} is no label of the model; its labels: {known}, or their places, "
            "0 for the first"
        )
    found = tuple(sorted({places[label] for label in raw.labels}))
    if len(found) != 1 and not is_multi_label:
        raise DataError(
            f"{raw.where}: has {len(found)} labels, and the labels of the model exclude each other; for "
            'texts with several, set multi_label of a recipe with task = "classification"'
        )
    return found


def labels_in_training(recipe: Recipe, root: Path) -> tuple[str, ...]:
    """Return the names of all labels in the training sets, sorted.

    Raises:
        ConfigError: Labels are numbers, or there are fewer than two.
    """
    found = {
        label
        for dataset in recipe.data.train
        for raw in read_raw(root, dataset, "train")
        for label in raw.labels
    }
    numbers = sorted(label for label in found if isinstance(label, int))
    if numbers:
        raise ConfigError(
            f"{recipe.name}: the training sets have labels that are numbers, such as {numbers[0]}; name them "
            "with labels in [text], that of 0 first"
        )
    if len(found) < 2:
        raise ConfigError(
            f"{recipe.name}: the training sets have {len(found)} labels; a classifier needs two or more"
        )
    return tuple(sorted(str(label) for label in found))
