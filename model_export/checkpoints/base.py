"""What an importer reads and what it returns; one file per family of models, and a row in `table.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import FloatArray
from seqserve.bundle import Bundle
from seqserve.choices import ScoreKind
from seqserve.errors import CheckpointError
from seqserve.manifest import Precision
from seqserve.tasks import Task


@dataclass(frozen=True)
class Checkpoint:
    """A directory that `save_pretrained` of transformers wrote, read without executing anything.

    Args:
        path: The directory.
        config: The contents of config.json.
        tokenizer_config: The contents of tokenizer_config.json; empty without that file.
        tensors: By name, from *.safetensors, as float32 if they are floating-point numbers.
        sha256: Of the files that were read, in lower-case hexadecimal, by name.
    """

    path: Path
    config: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    tensors: Mapping[str, FloatArray]
    sha256: Mapping[str, str]

    @property
    def family(self) -> str:
        """The `model_type` of config.json."""
        return str(self.config["model_type"])

    def has(self, name: str) -> bool:
        """Return whether the directory has a file."""
        return name in self.sha256

    def read(self, name: str) -> bytes:
        """Return the contents of a file of the directory.

        Raises:
            CheckpointError: There is no such file, or it is not the one that was hashed.
        """
        if name not in self.sha256:
            raise CheckpointError(f"{self.path} has no {name}")
        contents = (self.path / name).read_bytes()
        if hashlib.sha256(contents).hexdigest() != self.sha256[name]:
            raise CheckpointError(
                f"{self.path / name} was changed while it was read: import it again"
            )
        return contents


@dataclass(frozen=True)
class ImportOptions:
    """How a checkpoint is imported.

    Args:
        precision: Of the weights.
        languages: BCP 47 codes; empty: those that the checkpoint tells.
        calibration: Texts from which the scales of quantized inputs are measured; empty: a scale per row.
    """

    precision: Precision = "int8"
    languages: tuple[str, ...] = ()
    calibration: Sequence[str] = ()


@dataclass(frozen=True)
class Converted:
    """A checkpoint as the parts of a bundle.

    Args:
        task: What the model does.
        languages: BCP 47 codes; empty: the checkpoint does not tell them.
        labels: Of the model's outputs, in their order.
        graphs: By file name, with all their tensors.
        weights: The tensors that the graphs share; None: they share none.
        config: The contents of the bundle's config.json.
        score_kind: What a score of the model is.
        limits: Largest inputs.
        files: Other files of the bundle, by name.
        pairs: The (source, target) pairs of a translator that has several.
        thresholds: As in the manifest.
        golden: The inputs of the golden cases: fields of the task's item. Empty: those of the task.
        warnings: What the user should know, a sentence each.
    """

    task: Task
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    graphs: dict[str, onnx.ModelProto]
    weights: Weights | None
    config: dict[str, Any]
    score_kind: ScoreKind
    limits: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
    golden: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """How checkpoints of a family are imported.

    Args:
        convert: Makes the parts of a bundle; raises `CheckpointError` for a layout that it does not have.
        compare: Returns the largest difference between a bundle in fp32 and transformers over several batch
            sizes and lengths, and raises `ExportError` if it is too large. Called only where transformers and
            torch are installed.
        is_translator: Whether its languages are pairs, which the list of a README does not tell.
    """

    convert: Callable[[Checkpoint, ImportOptions], Converted]
    compare: Callable[[Checkpoint, Bundle], float]
    is_translator: bool = False
