"""Begin the training of a classifier with the words and the weights of a finished bundle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load

from seqserve.arrays import FloatArray
from seqserve.bundle import Bundle, load_bundle
from seqserve.config import to_mapping
from seqserve.dequantization import dequantize_all
from seqserve.errors import BundleError, DataError
from seqserve.files import written_whole
from seqserve.models.classifier import Classifier, TextClassifier
from seqserve.text.classification import WordTextEncoder
from seqserve.training.cost import START_COST, Stage, TrainingCost, read_cost

_WEIGHTS, _COST = "weights.safetensors", "training.json"
_OWN = ("n_words", "n_labels", "dropout")  # settings in which a model may differ from its start


@dataclass(frozen=True)
class BundleStart:
    """A finished bundle to start from.

    Args:
        path: Directory of the bundle, as a path from the working directory.
        version: Its version; training refuses another one, since a newer bundle may have the same path.
    """

    path: str
    version: str


class ClassifierStart:
    """The words and the weights of a classifier's bundle."""

    def __init__(self, start: BundleStart) -> None:
        """Open and verify the bundle.

        Raises:
            DataError: It is missing, damaged, of another version, or no classifier of this project's kind.
        """
        try:
            self._bundle: Bundle = load_bundle(Path(start.path))
        except BundleError as error:
            raise DataError(f"[text.start_bundle]: {error}") from error
        manifest = self._bundle.manifest
        if manifest.version != start.version:
            raise DataError(
                f"[text.start_bundle]: {start.path} is version {manifest.version}, the recipe starts from "
                f"{start.version}: put that version there, or name another path"
            )
        if manifest.task not in ("sentiment", "classification") or _WEIGHTS not in manifest.files:
            raise DataError(
                f"[text.start_bundle]: {start.path} is no classifier of the architecture bilstm: name one that "
                "`seqserve export` made"
            )
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
        tensors = dequantize_all(load(self._bundle.read(_WEIGHTS)))
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
        """Keep what the training of the bundle cost, its version in the names of the stages."""
        manifest = self._bundle.manifest
        cost = TrainingCost((Stage(manifest.name),))
        if _COST in manifest.files:
            cost = read_cost(self._bundle.file(_COST))
        named = (replace(one, name=f"{one.name} {manifest.version}") for one in cost.stages)
        with written_whole(run / START_COST) as partial:
            partial.write_text(json.dumps(to_mapping(TrainingCost(tuple(named)))), encoding="utf-8")


def _by_label(rows: FloatArray, theirs: Sequence[str], ours: Sequence[str]) -> FloatArray:
    """Return the rows (L, …) of our labels: those of the same labels of theirs, else 0."""
    found = np.zeros((len(ours), *rows.shape[1:]), np.float32)
    for i, label in enumerate(ours):
        if label in theirs:
            found[i] = rows[theirs.index(label)]
    return found
