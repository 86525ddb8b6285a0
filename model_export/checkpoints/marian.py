"""Checkpoints of `MarianMTModel` as bundles: the graphs of the Transformer, without torch.

What Marian calls the layout is checked first, because a checkpoint with another one would be converted without
an error and translate nonsense.

Source: Junczys-Dowmunt et al. 2018 (Marian); Tiedemann and Thottingal 2020 (OPUS-MT).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model_export.checkpoints.base import Checkpoint, Converted, Family, ImportOptions
from model_export.checkpoints.marian_layout import config_of, max_positions_of, weights_of
from model_export.checkpoints.marian_tokenizer import read_tokenizer
from model_export.checks.golden import golden_inputs
from model_export.exporters.graphs.transformer_blocks import MAX_POSITIONS
from model_export.exporters.graphs.translator import translator_graphs
from model_export.exporters.graphs.weights import Weights
from seqserve.bundle import Bundle
from seqserve.config import to_mapping
from seqserve.decode.search import max_target_tokens
from seqserve.errors import CheckpointError

_GOLDEN_PAIRS = 8  # of a model with several


def convert(checkpoint: Checkpoint, options: ImportOptions) -> Converted:
    """Return the parts of a bundle; see `Family`."""
    if options.calibration:
        raise CheckpointError(
            f"{checkpoint.path}: calibration texts have no effect on a translator, whose int8 inputs have a "
            "scale per row: import it without --calibrate"
        )
    config = config_of(checkpoint)
    read = read_tokenizer(checkpoint, config, options.languages)
    directions = read.directions
    weights = Weights.of_tensors(weights_of(checkpoint, config), options.precision)
    graphs = translator_graphs(config, weights, read.specials.banned)
    return Converted(
        task="translation",
        languages=directions.languages,
        labels=(),
        graphs={f"{name}.onnx": graph for name, graph in graphs.items()},
        weights=weights,
        config={
            "architecture": "transformer",
            "model": to_mapping(config),
            **read.config,
        },
        score_kind="mean_log_probability",
        limits={"max_source_tokens": _max_source_tokens(checkpoint)},
        files=read.files,
        pairs=directions.pairs if len(directions.pairs) > 1 else (),
        golden=_golden_of(directions.pairs),
    )


def compare(checkpoint: Checkpoint, draft: Bundle) -> float:
    """Compare the log-probabilities of what the fp32 graphs find with those of transformers; see `Family`."""
    from model_export.checks.marian_reference import check_search

    return check_search(checkpoint.path, draft)


MARIAN = Family(convert, compare, is_translator=True)


def _golden_of(pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], ...]:
    """Return the golden inputs: those of the task, and one of each of the first pairs if there are several."""
    inputs = golden_inputs("translation")
    if len(pairs) == 1:
        return tuple(inputs)
    return (*inputs, *({**inputs[0], "pair": list(pair)} for pair in pairs[:_GOLDEN_PAIRS]))


def _max_source_tokens(checkpoint: Checkpoint) -> int:
    """Return the longest source whose translation fits the graphs' table of positions."""
    n_tokens = max_positions_of(checkpoint)
    while max_target_tokens(n_tokens) > MAX_POSITIONS:
        n_tokens -= 1
    return n_tokens
