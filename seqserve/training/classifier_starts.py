"""Begin the training of a classifier with the words and the weights of a finished bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from seqserve.arrays import FloatArray
from seqserve.config import to_mapping
from seqserve.errors import DataError
from seqserve.models.classifier import Classifier, TextClassifier
from seqserve.text.classification import WordTextEncoder
from seqserve.training.bundle_starts import (
    BundleStart,
    open_start,
    save_start_cost,
    start_tensors,
)

_OWN = ("n_words", "n_labels", "dropout")  # settings in which a model may differ from its start


class ClassifierStart:
    """The words and the weights of a classifier's bundle."""

    def __init__(self, start: BundleStart) -> None:
        """Open and verify the bundle.

        Raises:
            DataError: It is missing, damaged, of another version, or no classifier of this project's kind.
        """
        self._bundle = open_start(start, ("sentiment", "classification"))
        path = str(self._bundle.path)
        self._text = WordTextEncoder.from_mapping(self._bundle.config["text"], path)

    @property
    def words(self) -> Sequence[str]:
        """The vocabulary, in the order of its ids."""
        return self._text.words.symbols

    def fill(self, model: TextClassifier, text: WordTextEncoder) -> None:
        """Set the weights of a model, so that it answers as the bundle does.

        Words that the bundle lacks get the vector of the unknown word, as which the bundle reads them; the
        logit of a label that it lacks is 0.

        Args:
            model: About to be trained; changed in place.
            text: Its preprocessor.

        Raises:
            DataError: The bundle is of a model with another shape.
        """
        self._check_shape(model)
        tensors = start_tensors(self._bundle)
        words = self._text.words
        rows = [words.pad_id, words.unknown_id, *(words[word] for word in text.words.symbols)]
        tensors["words.weight"] = tensors["words.weight"][rows]
        for part in ("output.weight", "output.bias"):
            tensors[part] = _by_label(tensors[part], self._text.labels, text.labels)
        model.load_state_dict({name: torch.from_numpy(np.array(t)) for name, t in tensors.items()})

    def _check_shape(self, model: TextClassifier) -> None:
        """Raises DataError: the bundle is of another model."""
        theirs = self._bundle.config["model"]
        ours = to_mapping(model.config) if isinstance(model, Classifier) else {"architecture": ""}
        differing = sorted(key for key in ours if key not in _OWN and ours[key] != theirs.get(key))
        if differing:
            raise DataError(
                f"{self._bundle.path} is no start for this model: it has another {', '.join(differing)}"
            )

    def save_cost(self, run: Path) -> None:
        """Keep the record of what its training cost in the run that starts from it."""
        save_start_cost(self._bundle, run)


def _by_label(rows: FloatArray, theirs: Sequence[str], ours: Sequence[str]) -> FloatArray:
    """Return the rows (L, …) of our labels: those of the same labels of theirs, else 0."""
    found = np.zeros((len(ours), *rows.shape[1:]), np.float32)
    for i, label in enumerate(ours):
        if label in theirs:
            found[i] = rows[theirs.index(label)]
    return found
