"""What a source puts into a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import onnx

from model_export.exporters.graphs.external import WEIGHTS_FILE, refer
from model_export.exporters.graphs.weights import Weights
from seqserve.runtime.openers import (
    Predictor,
)


@dataclass(frozen=True)
class Parts:
    """What a task puts into a bundle.

    Args:
        graphs: By file name, with all their tensors.
        weights: The tensors that the graphs share; they refer to its file in the bundle. None: they share none.
        config: What becomes config.json.
        reference: The torch model, or graphs that equal it, behind the same preprocessor.
        worst_difference: Largest difference between torch and the fp32 graphs on random inputs.
        labels: What the model can answer.
        limits: Largest inputs.
        files: What else there is, by file name.
    """

    graphs: dict[str, onnx.ModelProto]
    weights: Weights | None
    config: dict[str, Any]
    reference: Predictor
    worst_difference: float
    labels: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        """Return the bundle's files, those that describe it aside."""
        if self.weights is None:
            whole = {name: graph.SerializeToString() for name, graph in self.graphs.items()}
            return {**whole, **self.files}
        weights = self.weights.to_bytes()
        graphs = {name: refer(graph, weights) for name, graph in self.graphs.items()}
        return {**graphs, WEIGHTS_FILE: weights, **self.files}
