"""What a translator starts from: the subwords and weights of another run, or of a finished bundle.

The run keeps the weights that it began with in `start.safetensors`, so it no longer needs its start when it
is resumed or exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ConfigError, DataError
from seqserve.models.layer_stacking import deepen_encoder
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.subwords import SubwordTokenizer
from seqserve.training.bundle_starts import (
    BundleStart,
    open_start,
    save_start_cost,
    start_tensors,
)
from seqserve.training.checkpoint import BEST, read_weights, save_weights
from seqserve.training.run_recipe import begun_with

START = "start.safetensors"
_SUBWORDS = "tokenizer.json"


class Start(Protocol):
    """A trained translator that another one begins with."""

    @property
    def name(self) -> str:
        """The run or the bundle, for messages."""

    def subwords(self) -> SubwordTokenizer:
        """Return its subwords."""

    def settings(self) -> dict[str, Any]:
        """Return the shape of its model, as `[model]` of a recipe has it."""

    def weights(self) -> dict[str, Tensor]:
        """Return its weights in float32."""

    def save_cost(self, run: Path) -> None:
        """Keep the record of what its training cost in the run that starts from it."""


class RunStart:
    """The best weights of a run."""

    def __init__(self, run: Path) -> None:
        self._run = run

    @property
    def name(self) -> str:
        """The run."""
        return str(self._run)

    def subwords(self) -> SubwordTokenizer:
        """Return the subwords of the run.

        Raises:
            DataError: The run has none.
        """
        path = self._run / _SUBWORDS
        if not path.exists():
            raise DataError(f"there is no {path}: train the recipe {self._run.name} first")
        return SubwordTokenizer.load(path)

    def settings(self) -> dict[str, Any]:
        """Return `[model]` of the run's recipe."""
        return _without_architecture(begun_with(self._run).get("model", {}))

    def weights(self) -> dict[str, Tensor]:
        """Return the best weights."""
        return read_weights(self._run / BEST)

    def save_cost(self, run: Path) -> None:
        """Keep nothing: the record of this run is its log."""


class BundleWeights:
    """The weights of a bundle, dequantized."""

    def __init__(self, start: BundleStart) -> None:
        """Open and verify the bundle.

        Raises:
            DataError: It is missing, damaged, of another version, or no translator of this project's kind.
        """
        self._bundle = open_start(start, ["translation"], (_SUBWORDS,))

    @property
    def name(self) -> str:
        """The bundle."""
        return str(self._bundle.path)

    def subwords(self) -> SubwordTokenizer:
        """Return the subwords of the bundle."""
        return SubwordTokenizer.from_json(self._bundle.read(_SUBWORDS).decode())

    def settings(self) -> dict[str, Any]:
        """Return the shape of its model."""
        return _without_architecture(self._bundle.config["model"])

    def weights(self) -> dict[str, Tensor]:
        """Return the weights as float32."""
        tensors = start_tensors(self._bundle)
        return {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}

    def save_cost(self, run: Path) -> None:
        """Keep the record of what its training cost in the run that starts from it."""
        save_start_cost(self._bundle, run)


def _without_architecture(model: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key != "architecture"}


def find_start(runs: Path, run: str, bundle: BundleStart | None) -> Start | None:
    """Return what a recipe starts from; None: random weights.

    Args:
        runs: The folder of the runs.
        run: Name of a run there, or empty.
        bundle: A bundle.

    Raises:
        ConfigError: Both are named.
        DataError: The bundle cannot be used.
    """
    if run and bundle:
        raise ConfigError("[text] has both start and start_bundle; remove one of them")
    if bundle:
        return BundleWeights(bundle)
    return RunStart(runs / run) if run else None


def warm_start(model: Transformer, start: Start, directory: Path) -> None:
    """Begin with trained weights, of a model that may have fewer encoder layers; keep them in the run.

    Args:
        model: Gets the weights.
        start: Where they are.
        directory: The run.

    Raises:
        DataError: The weights are missing, or of a model that differs in more than depth and dropout.
    """
    ours = to_mapping(model.config)
    sizes = {
        key: ours[key] for key in ("vocab_size", "pad_id", "end_id", "encoder_layers", "dropout")
    }
    other = to_mapping(from_mapping(TransformerConfig, {**start.settings(), **sizes}, start.name))
    differing = sorted(key for key in ours if ours[key] != other[key])
    if differing:
        raise DataError(
            f"{start.name} is no start for this model: it has another {', '.join(differing)}"
        )
    weights: Mapping[str, Tensor] = start.weights()
    model.load_state_dict(deepen_encoder(weights, model.config.encoder_layers))
    start.save_cost(directory)
    save_weights(model, directory / START)
