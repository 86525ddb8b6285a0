"""The parts of a bundle of any imported encoder, and its comparison with transformers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import onnx

from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.encoder_heads import Head
from model_export.checkpoints.tokenizer import EncoderText, encoder_text
from model_export.checkpoints.tokenizer_files import TOKENIZER_FILE
from model_export.checks.difference import compare
from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import FloatArray
from seqserve.bundle import Bundle
from seqserve.errors import CheckpointError, ConfigError, DataError
from seqserve.runtime.openers import CLASSIFIER_GRAPH, EMISSION_GRAPH
from seqserve.runtime.session import open_graph, run
from seqserve.text.batching import length_batches
from seqserve.text.pieces import PieceTokenizer
from seqserve.text.protocols import Inputs
from seqserve.text.tag_schemes import read_tags

ARCHITECTURE = "encoder"
TOLERANCE = 1e-4  # of a logit; of the largest logit, where that is more than 1
SHAPES = (*product((1, 2, 7), (1, 2, 13, 64)), (2, 300))  # texts, tokens
_NAMED = 3  # tensors, in an error message
_CALIBRATION_TOKENS, _CALIBRATION_BATCH_TOKENS = 10_000, 512


@dataclass(frozen=True)
class EncoderFacts:
    """What is read of the checkpoint of an encoder.

    Args:
        head: What it answers.
        dimensions: For readers of the bundle's config.json.
        warnings: A sentence each.
    """

    head: Head
    dimensions: Mapping[str, Any]
    warnings: tuple[str, ...]


def text_of(checkpoint: Checkpoint, options: ImportOptions) -> EncoderText:
    """Read the tokenizer of an encoder; the first language that is known is that of the text.

    Raises:
        CheckpointError: There is no tokenizer that can be read.
    """
    return encoder_text(checkpoint, next(iter(options.languages), ""))


def encoder_parts(
    checkpoint: Checkpoint,
    options: ImportOptions,
    found: EncoderFacts,
    text: EncoderText,
    graph: tuple[onnx.ModelProto, Weights],
) -> Converted:
    """Return the parts of an encoder's bundle.

    Args:
        checkpoint: What is imported.
        options: How.
        found: What was read of the checkpoint.
        text: Its tokenizer.
        graph: With the tensors that it shares.

    Raises:
        CheckpointError: The labels of a token head are no tags.
    """
    head = found.head
    config = {
        "architecture": ARCHITECTURE,
        "model": {"family": checkpoint.family, **found.dimensions},
        "text": text.config,
        "activation": head.activation,
        "temperature": 1.0,
    }
    if not head.is_pooled:
        config["tags"] = list(head.labels)
    return Converted(
        task=head.task,
        languages=options.languages,
        labels=head.labels if head.is_pooled else _entity_labels(head.labels),
        graphs={CLASSIFIER_GRAPH if head.is_pooled else EMISSION_GRAPH: graph[0]},
        weights=graph[1],
        config=config,
        score_kind=head.score_kind,
        limits={"max_window_tokens": text.max_tokens},
        files=text.files,
        warnings=(*found.warnings, *text.warnings),
    )


def _entity_labels(tags: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return read_tags(tags).labels
    except ConfigError as error:
        raise CheckpointError(f"the labels of the checkpoint are no tags: {error}") from error


def calibration_batches(text: EncoderText, texts: Iterable[str]) -> list[Inputs]:
    """Return texts as a model reads them, up to `_CALIBRATION_TOKENS` in all; long ones in windows.

    Raises:
        DataError: There is no token.
    """
    tokenizer = PieceTokenizer.from_bundle(text.files[TOKENIZER_FILE], text.config, TOKENIZER_FILE)
    rows: list[list[int]] = []
    n_tokens = 0
    for line in texts:
        ids = [piece.id for piece in tokenizer.pieces(line)]
        windows = [ids[i : i + text.max_tokens] for i in range(0, len(ids), text.max_tokens)]
        rows += map(tokenizer.row, windows)
        n_tokens += len(ids)
        if n_tokens >= _CALIBRATION_TOKENS:
            break
    if not rows:
        raise DataError("the texts for calibration hold no words: a text a line is expected")
    batches = length_batches([len(row) for row in rows], _CALIBRATION_BATCH_TOKENS)
    return [tokenizer.inputs([rows[i] for i in batch]) for batch in batches]


def compare_with_transformers(
    checkpoint: Checkpoint, draft: Bundle, padding_id: int, most_tokens: int
) -> float:
    """Compare an fp32 graph with the model that transformers loads, on ragged batches of random ids.

    Args:
        checkpoint: Read again by transformers.
        draft: Its bundle in fp32.
        padding_id: It stands behind the ends of rows and nowhere else.
        most_tokens: Rows are not longer.

    Returns:
        The largest absolute difference of a logit, where the largest logit is at most 1; else its share of
        that one.

    Raises:
        ExportError: It is over `TOLERANCE`, or a logit is not finite.
    """
    model = load_reference(checkpoint)
    (name,) = {CLASSIFIER_GRAPH, EMISSION_GRAPH} & draft.manifest.files.keys()
    session = open_graph(draft, name)
    rng = np.random.default_rng(0)
    worst = 0.0
    for n_texts, n_tokens in SHAPES:
        inputs = random_inputs(
            rng, n_texts, min(n_tokens, most_tokens), (model.config.vocab_size, padding_id)
        )
        expected, is_token = _logits(model, inputs)
        (found,) = run(session, inputs).values()
        if name == EMISSION_GRAPH:
            expected, found = expected[is_token], found[is_token]
        where = f"{checkpoint.path.name}, {n_texts} texts of {n_tokens} tokens"
        unit = max(1.0, float(np.abs(expected).max()))
        sides = {"logits": expected}, {"logits": found}
        worst = max(worst, compare(where, *sides, TOLERANCE * unit) / unit)
    return worst


def random_inputs(
    rng: np.random.Generator, n_texts: int, n_tokens: int, ids: tuple[int, int]
) -> Inputs:
    """Draw ids (B, T) and lengths (B,), of which the first is T.

    Args:
        rng: What draws.
        n_texts: B.
        n_tokens: T.
        ids: Size of the vocabulary, and the padding id.
    """
    n_ids, padding_id = ids
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    lengths[0] = n_tokens
    drawn = rng.integers(0, n_ids - 1, (n_texts, n_tokens))
    drawn += drawn >= padding_id
    is_token = np.arange(n_tokens) < lengths[:, None]
    return {"ids": np.where(is_token, drawn, padding_id), "lengths": lengths}


def load_reference(checkpoint: Checkpoint) -> Any:
    """Let transformers load the model in float32, without any code or file from elsewhere.

    Raises:
        CheckpointError: Tensors are missing, or have other shapes than the model's.
    """
    import torch
    import transformers

    name = str(checkpoint.config["architectures"][0])
    try:
        model, found = getattr(transformers, name).from_pretrained(
            checkpoint.path,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
            chunk_size_feed_forward=0,  # only saves memory, and refuses lengths that it does not divide
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"transformers cannot load {checkpoint.path}: {error}") from error
    if found["missing_keys"]:
        raise CheckpointError(
            f"missing tensors: {', '.join(sorted(found['missing_keys'])[:_NAMED])}; the checkpoint is "
            "damaged, or of another architecture than config.json says"
        )
    return model.eval()


def _logits(model: Any, inputs: Inputs) -> tuple[FloatArray, Any]:
    """Return transformers' logits, and which places (B, T) hold tokens."""
    import torch

    ids, lengths = inputs["ids"], inputs["lengths"]
    is_token = np.arange(ids.shape[1]) < lengths[:, None]
    with torch.inference_mode():
        found = model(
            input_ids=torch.from_numpy(ids),
            attention_mask=torch.from_numpy(is_token.astype(np.int64)),
        )
    logits: FloatArray = found.logits.numpy()
    return logits, is_token
