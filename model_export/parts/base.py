"""The parts of a bundle: graphs, weights, config, and the reference that they are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import onnx

from model_export.exporters.graphs.external import graph_files
from model_export.exporters.graphs.weights import Weights
from seqserve.choices import ScoreKind
from seqserve.runtime.openers import Predictor


@dataclass(frozen=True)
class Parts:
    """What an exporter makes of a trained model.

    Args:
        graphs: By file name, with all their tensors.
        weights: The tensors that the graphs share; they refer to its file in the bundle. None: they share none.
        config: The contents of config.json.
        reference: The torch model, or graphs that equal it, behind the same preprocessor. None: nothing that
            the results could be compared with.
        worst_difference: Largest difference between torch and the fp32 graphs on random inputs; None: they
            were not compared.
        labels: Of the model's outputs, in their order.
        limits: Largest inputs.
        files: Other files, by name.
        pairs: The (source, target) pairs of a translator that has several.
        score_kind: What a score is; None: that of the task.
        thresholds: As in the manifest.
        golden: The inputs of the golden cases; empty: those of the task.
    """

    graphs: dict[str, onnx.ModelProto]
    weights: Weights | None
    config: dict[str, Any]
    reference: Predictor | None
    worst_difference: float | None
    labels: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    score_kind: ScoreKind | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    golden: tuple[dict[str, Any], ...] = ()

    def to_files(self) -> dict[str, bytes]:
        """Return the bundle's files, those that describe it aside."""
        return {**graph_files(self.graphs, self.weights), **self.files}
