"""The parts of a bundle: graphs, weights, config, and the reference that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx

from model_export.checks.torch_reference import torch_classifier
from model_export.exporters.graphs.external import graph_files
from model_export.exporters.graphs.weights import Weights
from seqserve.choices import ScoreKind
from seqserve.config import to_mapping
from seqserve.runtime.classification import ClassificationPredictor, LabelHead
from seqserve.runtime.openers import CLASSIFIER_GRAPH, Predictor
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.tasks import Task
from seqserve.training.trained import TrainedClassifier


@dataclass(frozen=True)
class Parts:
    """What an exporter makes of a trained model.

    Args:
        graphs: By file name, with all their tensors.
        weights: The tensors that the graphs share; they refer to its file in the bundle. None: they share none.
        config: The contents of config.json.
        reference: The torch model, or graphs that equal it, behind the same preprocessor.
        worst_difference: Largest difference between torch and the fp32 graphs on random inputs.
        labels: Of the model's outputs, in their order.
        score_kind: What a score is; None: that of the task.
        limits: Largest inputs.
        files: Other files, by name.
    """

    graphs: dict[str, onnx.ModelProto]
    weights: Weights | None
    config: dict[str, Any]
    reference: Predictor
    worst_difference: float
    labels: tuple[str, ...] = ()
    score_kind: ScoreKind | None = None
    limits: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        """Return the bundle's files, those that describe it aside."""
        return {**graph_files(self.graphs, self.weights), **self.files}


def head_of(trained: TrainedClassifier) -> LabelHead:
    """Return how the logits of a classifier become labels."""
    return LabelHead(trained.text.labels, trained.activation, trained.temperature)


def parts_of_classifier(
    trained: TrainedClassifier,
    graph: onnx.ModelProto,
    weights: Weights | None,
    worst_difference: float,
) -> Parts:
    """Return the parts of a classifier, whichever exporter made its graph; see `Parts`."""
    return Parts(
        graphs={CLASSIFIER_GRAPH: graph},
        weights=weights,
        config={
            "architecture": trained.architecture,
            "model": to_mapping(trained.model.config),
            "text": trained.text.to_mapping(),
            "temperature": trained.temperature,
            "activation": trained.activation,
        },
        reference=_REFERENCES[trained.task](trained),
        worst_difference=worst_difference,
        labels=trained.text.labels,
        score_kind=trained.activation,
    )


def _sentiment(trained: TrainedClassifier) -> Predictor:
    model = torch_classifier(trained.model)
    return SentimentPredictor(trained.text, trained.temperature, model)


def _classification(trained: TrainedClassifier) -> Predictor:
    return ClassificationPredictor(trained.text, head_of(trained), torch_classifier(trained.model))


_REFERENCES: Mapping[Task, Callable[[TrainedClassifier], Predictor]] = {
    "sentiment": _sentiment,
    "classification": _classification,
}
"""A trained classifier in torch as a predictor of its task."""
