"""What a classifier of texts learns: one label of several, or any number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from seqserve.arrays import FloatArray
from seqserve.choices import Activation
from seqserve.training.data import LabelledText
from seqserve.training.metrics import choices_of, label_scores, label_set_scores
from seqserve.training.temperature import Targets


class Objective(Protocol):
    """A loss, and the metrics that it is to improve."""

    metric: str
    """Which of the scores selects the best weights."""
    set_metric: str
    """Which of the scores is computed for every dev set alone, too."""
    activation: Activation
    """How logits become probabilities."""

    def targets(self, texts: Sequence[LabelledText]) -> Targets:
        """Return the right labels as numbers: (N,) or (N, L)."""
        ...

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of N texts from their logits (N, L)."""
        ...

    def judged(self, logits: FloatArray, targets: Targets) -> FloatArray:
        """Return the logits (N, L) of a data set by which it is judged: -inf for what is no choice in it."""
        ...

    def scores(self, logits: FloatArray, targets: Targets) -> dict[str, float]:
        """Return the metrics of the N texts of a data set from their logits (N, L)."""
        ...


class OneLabel:
    """Labels that exclude each other: softmax and cross-entropy."""

    set_metric = "accuracy"
    activation: Activation = "softmax"

    def __init__(self, n_labels: int, metric: str, optional: int | None = None) -> None:
        """Describe what is learnt.

        Args:
            n_labels: L.
            metric: Which score selects the weights.
            optional: A label that is only a choice in data sets which have it, as neutral is in an answer only
                on request; the others share the whole elsewhere.
        """
        self.metric = metric
        self._n_labels = n_labels
        self._optional = optional

    def targets(self, texts: Sequence[LabelledText]) -> Targets:
        """Return the label of every text, (N,)."""
        return np.array([text.label for text in texts], dtype=np.int64)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy."""
        return F.cross_entropy(logits, targets)

    def judged(self, logits: FloatArray, targets: Targets) -> FloatArray:
        """Return the logits, without the optional label where no text has it."""
        choices = choices_of(targets, self._n_labels, self._optional)
        judged = np.full_like(logits, -np.inf)
        judged[:, choices] = logits[:, choices]
        return judged

    def scores(self, logits: FloatArray, targets: Targets) -> dict[str, float]:
        """Return accuracy and macro-F1 of the most probable labels."""
        return label_scores(targets, logits, choices_of(targets, self._n_labels, self._optional))


class LabelSet:
    """Labels that hold or not, each by itself: sigmoid and binary cross-entropy."""

    metric = "macro_f1"
    set_metric = "micro_f1"
    activation: Activation = "sigmoid"

    def __init__(self, n_labels: int) -> None:
        """Take the number of labels."""
        self._n_labels = n_labels

    def targets(self, texts: Sequence[LabelledText]) -> Targets:
        """Return (N, L): 1 for each label that a text has, else 0."""
        found = np.zeros((len(texts), self._n_labels), dtype=np.float32)
        for row, text in zip(found, texts, strict=True):
            row[list(text.labels)] = 1
        return found

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the binary cross-entropy, summed over labels: with more labels there is more to learn."""
        of_labels = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return of_labels.sum(1).mean()

    def judged(self, logits: FloatArray, targets: Targets) -> FloatArray:
        """Return the logits: every label is a choice in every set."""
        return logits

    def scores(self, logits: FloatArray, targets: Targets) -> dict[str, float]:
        """Return the metrics of the labels whose probability is above one half."""
        return label_set_scores(targets > 0, logits > 0)
