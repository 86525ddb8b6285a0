"""The exporter of every architecture: the default of its task, or a fast path of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from model_export.parts import fast_paths, generic
from model_export.parts.base import Parts
from seqserve.errors import ExportError
from seqserve.manifest import Precision
from seqserve.tasks import ANY_ARCHITECTURE, Task
from seqserve.training.trained import TrainedClassifier, TrainedTagger, TrainedTranslator


class Exporter(NamedTuple):
    """How the parts of a bundle are made.

    Args:
        parts: A trained model and a precision -> the parts.
        gain: What justifies a fast path: docs/benchmarks.md, batches of 1 to 32. Fast paths alone have int8,
            with the same numbers in every batch, which no exporter offers. Empty: no fast path.
    """

    parts: Callable[[Any, Precision], Parts]
    gain: str = ""


_BILSTM = Exporter(fast_paths.bilstm_parts, "2.5 to 3.3 times as fast as torch")

EXPORTERS: Mapping[tuple[Task, str], Exporter] = {
    ("ner", "bilstm-crf"): Exporter(
        fast_paths.bilstm_crf_parts, "2.8 to 3.5 times as fast as torch with the CRF"
    ),
    ("sentiment", "bilstm"): _BILSTM,
    ("classification", "bilstm"): _BILSTM,
    ("translation", "transformer"): Exporter(
        fast_paths.transformer_parts, "0.86 to 1.04 times as fast as CTranslate2 in int8"
    ),
    ("ner", ANY_ARCHITECTURE): Exporter(generic.tagger_parts),
    ("sentiment", ANY_ARCHITECTURE): Exporter(generic.classifier_parts),
    ("classification", ANY_ARCHITECTURE): Exporter(generic.classifier_parts),
    ("translation", ANY_ARCHITECTURE): Exporter(generic.seq2seq_parts),
}


def make_parts(
    name: str,
    task: Task,
    trained: TrainedTagger | TrainedClassifier | TrainedTranslator,
    precision: Precision,
) -> Parts:
    """Export a trained model.

    Args:
        name: Of the bundle.
        task: Decides the type of the model.
        trained: The model.
        precision: How weights are stored.

    Raises:
        ExportError: The architecture has no exporter for this precision, or torch and onnxruntime differ.
    """
    exporter = EXPORTERS.get((task, trained.architecture), EXPORTERS[task, ANY_ARCHITECTURE])
    if precision != "fp32" and not exporter.gain:
        raise ExportError(f"{name}: a {trained.architecture} can be exported in fp32 only")
    return exporter.parts(trained, precision)
