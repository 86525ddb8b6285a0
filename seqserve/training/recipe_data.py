"""The data sets of a recipe: `[[data.train]]` and the other lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seqserve.errors import ConfigError
from seqserve.tasks import Task

_LEAST_WEIGHT, _LARGEST_WEIGHT = 0.001, 1000


@dataclass(frozen=True)
class DataSet:
    """One folder of data, its licence, and the part of it to use.

    Args:
        path: Folder below the data root with `train`, `dev` or `test` files.
        licence: Licence of the data, for the manifest and the model card.
        about: Kind of text in a few words, for the model card.
        skip: First line to leave out, and the line after the last one (training sets of translation only).
        split: Name of the files, if it is not that of the list: `dev` files that were not used to select
            anything can be a test set, or files named `test_2016_flickr`.
        labels: NER: labels that the set annotates, if not all of the model's. The others count as unknown in
            this set: they are neither learnt as absent nor counted as errors. Sentiment and classification: the
            labels that the numbers 0, 1, … in the set stand for, such as `["negative", "positive"]`; several
            numbers may stand for one label. Default: the labels of the model in their order.
        label: The label of all texts of a set without labels, which is `<split>.txt`, one text a line
            (sentiment and classification only).
        language: With `label`: the texts are the lines of `<split>.<language>`, as one side of a translation
            set has them.
        limit: Read this many examples at most, evenly spaced (not for NER).
        weight: Of a training set, how often it is read per epoch; of a dev set, its share in the mean by which
            the best weights are chosen. 0.001 to 1000.
        joins: Signs that are joined with the word behind them, such as `@` and `#` of corpora that separate
            them, and whether what is joined keeps its label (NER only).
        lower: Read the texts in lower case; the metrics of the set have `_lower` in their names (NER only).
    """

    path: str
    licence: str
    about: str = ""
    skip: tuple[int, int] | None = None
    split: str = ""
    labels: tuple[str, ...] = ()
    label: str = ""
    language: str = ""
    limit: int | None = None
    weight: float = 1.0
    joins: dict[str, bool] = field(default_factory=dict)
    lower: bool = False

    def __post_init__(self) -> None:
        """Check what the types do not express.

        Raises:
            ConfigError: The weight or the limit is out of range, or two settings exclude each other.
        """
        if not _LEAST_WEIGHT <= self.weight <= _LARGEST_WEIGHT:
            allowed = f"{_LEAST_WEIGHT} to {_LARGEST_WEIGHT:,}"
            raise ConfigError(
                f"{self.path}: weight is {self.weight:g}; allowed: {allowed}. It is how often the set is read "
                "per epoch: choose a number such as 0.5, 1 or 3"
            )
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"{self.path}: limit is {self.limit}; it must be at least 1")
        if self.label and self.labels:
            raise ConfigError(
                f"{self.path} has both label, for texts without labels, and labels, for texts with "
                "numbers as labels; remove one of them"
            )
        if self.language and not self.label:
            raise ConfigError(
                f"{self.path}: language is {self.language!r}, but only a set of texts without labels has one; "
                "add their label, or remove it"
            )

    @property
    def lines_suffix(self) -> str:
        """Suffix of the files of a set without labels."""
        return self.language or "txt"

    @property
    def name(self) -> str:
        """The last folder of the path, which the metrics of the set begin with."""
        return self.path.rstrip("/").rsplit("/", 1)[-1] + ("_lower" if self.lower else "")


_CLASSIFIERS: tuple[Task, ...] = ("sentiment", "classification")
TASKS_OF_SETTING: Mapping[str, tuple[Task, ...]] = {
    "labels": ("ner", *_CLASSIFIERS),
    "label": _CLASSIFIERS,
    "limit": (*_CLASSIFIERS, "translation"),
    "joins": ("ner",),
    "lower": ("ner",),
}
"""Settings of data sets that have an effect in some tasks only."""


def default_of(name: str) -> Any:
    """Return the value of a data set that does not set this."""
    return getattr(DataSet("", ""), name)


@dataclass(frozen=True)
class DataConfig:
    """The data sets of a recipe.

    Args:
        train: Sets to learn from.
        dev: Sets that select the best weights.
        test: Sets that measure them.
        calibration: Sets on which export calibrates scores and chooses thresholds; their `dev` files. Those of
            a classifier with two labels may label texts `neutral`. None: scores stay as they are.
    """

    train: tuple[DataSet, ...]
    dev: tuple[DataSet, ...]
    test: tuple[DataSet, ...] = ()
    calibration: tuple[DataSet, ...] = ()
