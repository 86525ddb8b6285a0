"""The parts of a trained classifier, whichever exporter makes its graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from model_export.checks.torch_reference import torch_classifier
from model_export.exporters.graphs.weights import Weights
from model_export.parts.base import Parts
from seqserve.config import to_mapping
from seqserve.runtime.classification import ClassificationPredictor, LabelHead
from seqserve.runtime.openers import CLASSIFIER_GRAPH, Predictor
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.tasks import Task
from seqserve.training.trained import TrainedClassifier


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
