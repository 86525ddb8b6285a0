"""Texts with labels: a JSON object a line, with a `text` and a `label`, or a list of `labels`.

A label is a name, or its place in the labels of the data set or else of the recipe, 0 for the first. Texts that
all have one label, which the recipe states, are plain lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from seqserve.errors import ConfigError, DataError
from seqserve.records import NEUTRAL
from seqserve.training.data.files import Split, evenly_spaced, not_empty, read_lines, stem_of
from seqserve.training.recipe import Recipe
from seqserve.training.recipe_data import DataSet

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


def places_of(labels: Sequence[str], of_set: Sequence[str] = ()) -> Places:
    """Return the index of every label, by its name and by its place.

    Args:
        labels: Of the model.
        of_set: What the numbers 0, 1, … of a data set stand for; empty: `labels`.

    Raises:
        KeyError: The model lacks a label of the set.
    """
    index = {name: i for i, name in enumerate(labels)}
    places: dict[Label, int] = {i: index[name] for i, name in enumerate(of_set or labels)}
    places.update(index)
    return places


def read_raw(root: Path, dataset: DataSet, split: Split) -> list[RawText]:
    """Read labelled texts, whatever their labels are; at most as many as the set's `limit` says.

    Raises:
        DataError: A line is not an object with a string `text` and a `label` or `labels`, or there is none.
    """
    read = _read_lines_of_one_label if dataset.label else _read_objects
    return evenly_spaced(read(root, dataset, split), dataset.limit)


def _read_lines_of_one_label(root: Path, dataset: DataSet, split: Split) -> list[RawText]:
    """Return the lines of a set without labels that are not blank."""
    name = f"{stem_of(dataset, split)}.{dataset.lines_suffix}"
    texts = [
        RawText(line, (dataset.label,), f"{dataset.path} {name}, line {number}")
        for number, line in enumerate(read_lines(root, dataset.path, name), 1)
        if line.strip()
    ]
    return not_empty(texts, dataset, name)


def _read_objects(root: Path, dataset: DataSet, split: Split) -> list[RawText]:
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
    root: Path,
    dataset: DataSet,
    split: Split,
    labels: Sequence[str],
    *,
    is_multi_label: bool = False,
) -> list[LabelledText]:
    """Read labelled texts.

    Args:
        root: Where the data sets are.
        dataset: The set.
        split: Which files.
        labels: Those of the model.
        is_multi_label: Whether a text may have any number of labels instead of one.

    Raises:
        DataError: As for `read_raw`; or a text has another label, or another number of labels than one, or the
            set does not say which labels its numbers are.
    """
    absent = sorted(set(dataset.labels) - set(labels))
    if absent:
        raise DataError(
            f"{dataset.path}: its labels name {absent[0]!r}, which is no label of the model; its labels: "
            f"{', '.join(labels)}"
        )
    texts = read_raw(root, dataset, split)
    if not dataset.labels:
        _refuse_ambiguous_numbers(texts, dataset, labels)
    places = places_of(labels, dataset.labels)
    return [
        LabelledText(raw.text, _indices(raw, places, is_multi_label=is_multi_label))
        for raw in texts
    ]


def _refuse_ambiguous_numbers(
    texts: Sequence[RawText], dataset: DataSet, labels: Sequence[str]
) -> None:
    """Refuse numbers that may be the places in the labels with or without neutral.

    Raises:
        DataError: There are numbers, that of the model's last label is not among them, and with the places in
            the labels without `neutral` they would stand for other labels.
    """
    polar = [label for label in labels if label != NEUTRAL]
    numbers = {label for raw in texts for label in raw.labels if isinstance(label, int)}
    if len(polar) == len(labels) or not numbers <= set(range(len(polar))):
        return
    if any(polar[i] != labels[i] for i in numbers):
        raise DataError(
            f"{dataset.path} has the numbers {', '.join(map(str, sorted(numbers)))} as labels, and the model's "
            f"labels are {', '.join(labels)}: do they stand for {', '.join(polar)}? State it as labels of the "
            "data set (on the command line with --labels), that of 0 first, or write names instead of numbers"
        )


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
        for label in _names_in(read_raw(root, dataset, "train"), dataset)
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


def _names_in(texts: Sequence[RawText], dataset: DataSet) -> Iterator[Label]:
    """Yield the labels of texts, numbers as the names that the set states for them."""
    for raw in texts:
        for label in raw.labels:
            if isinstance(label, int) and 0 <= label < len(dataset.labels):
                yield dataset.labels[label]
            else:
                yield label
