"""The parts of a bundle of any imported encoder, and its comparison with transformers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import onnx

from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.encoder_heads import Head
from model_export.exporters.graphs.weights import Weights
from seqserve.arrays import FloatArray
from seqserve.errors import CheckpointError, ConfigError, ExportError
from seqserve.runtime.openers import CLASSIFIER_GRAPH, EMISSION_GRAPH
from seqserve.runtime.session import make_session, run
from seqserve.text.protocols import Inputs

ARCHITECTURE = "encoder"
TOLERANCE = 1e-4  # of a logit; of the largest logit, where that is more than 1
SHAPES = (*product((1, 2, 7), (1, 2, 13, 64)), (2, 300))  # texts, tokens


def encoder_parts(
    checkpoint: Checkpoint,
    options: ImportOptions,
    head: Head,
    graph: tuple[onnx.ModelProto, Weights | None],
    dimensions: Mapping[str, Any],
    warnings: tuple[str, ...],
) -> Converted:
    """Return the parts of an encoder's bundle.

    Args:
        checkpoint: Where its tokenizer is.
        options: Its first language is that of the text.
        head: What the graph answers.
        graph: With the tensors that it shares, if it does.
        dimensions: Of the model, for readers of config.json.
        warnings: A sentence each.

    Raises:
        CheckpointError: The labels of a token head are no tags, or there is no tokenizer that can be read.
    """
    from model_export.checkpoints.tokenizer import encoder_text

    text = encoder_text(checkpoint, next(iter(options.languages), ""))
    config = {
        "architecture": ARCHITECTURE,
        "model": {"family": checkpoint.family, **dimensions},
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
        warnings=(*warnings, *text.warnings),
    )


def _entity_labels(tags: tuple[str, ...]) -> tuple[str, ...]:
    from seqserve.text.tag_schemes import read_tags

    try:
        return tuple(read_tags(tags).labels)
    except ConfigError as error:
        raise CheckpointError(f"the labels of the checkpoint are no tags: {error}") from error


def compare_with_transformers(
    checkpoint: Checkpoint, converted: Converted, padding_id: int, most_tokens: int
) -> float:
    """Compare an fp32 graph with the model that transformers loads, on ragged batches of random ids.

    Args:
        checkpoint: Read again by transformers.
        converted: In fp32.
        padding_id: It stands behind the ends of rows and nowhere else.
        most_tokens: Rows are not longer.

    Returns:
        The largest absolute difference of a logit, where the largest logit is at most 1; else its share of
        that one.

    Raises:
        ExportError: It is over `TOLERANCE`.
    """
    model = _load(checkpoint)
    ((name, graph),) = converted.graphs.items()
    session = make_session(graph.SerializeToString())
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
        difference = float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))
        if not difference <= TOLERANCE:
            raise ExportError(
                f"the graph of {checkpoint.path.name} differs from transformers by {difference:.1e} for "
                f"{n_texts} texts of {n_tokens} tokens; at most {TOLERANCE} is allowed"
            )
        worst = max(worst, difference)
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


def _load(checkpoint: Checkpoint) -> Any:
    """Let transformers load the model, without any code or file from elsewhere."""
    import torch
    import transformers

    name = str(checkpoint.config["architectures"][0])
    model = getattr(transformers, name).from_pretrained(
        checkpoint.path,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        attn_implementation="eager",
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
