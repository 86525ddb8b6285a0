"""A family of checkpoints that needs neither torch nor transformers: the mean of word vectors, classified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from model_export.checkpoints.base import Checkpoint, Converted, Family, ImportOptions
from model_export.exporters.graphs.builder import GraphBuilder
from model_export.exporters.graphs.layers import linear
from model_export.exporters.graphs.weights import Weights
from seqserve.bundle import Bundle
from seqserve.errors import CheckpointError
from seqserve.runtime.openers import CLASSIFIER_GRAPH
from seqserve.text.classification import WordTextEncoder, WordTextEncoderConfig
from seqserve.text.vocabulary import Vocabulary

WORDS = ("a", "film", "great", "lovely", "moving", "dull", "awful", "boring", "the", "plot")
GOOD, BAD = ("great", "lovely", "moving"), ("dull", "awful", "boring")
LABELS = ("negative", "positive")
_WIDTH = 512  # two rows are enough for int8


def tensors() -> dict[str, NDArray[np.float32]]:
    """Return weights that know good words from bad ones."""
    rng = np.random.default_rng(1)
    embedding = rng.normal(0, 0.01, (len(WORDS) + 2, _WIDTH)).astype(np.float32)
    embedding[0] = 0
    for words, sign in ((GOOD, 1), (BAD, -1)):
        for word in words:
            embedding[Vocabulary(WORDS)[word]] += sign
    output = np.stack([-np.ones(_WIDTH), np.ones(_WIDTH)]).astype(np.float32) / _WIDTH
    return {
        "embedding.weight": embedding,
        "output.weight": output,
        "output.bias": np.zeros(2, np.float32),
    }


def config(**changes: Any) -> dict[str, Any]:
    """Return the contents of config.json."""
    return {"model_type": "words", "vocabulary": list(WORDS), "labels": list(LABELS), **changes}


README = "---\nlanguage: en\nlicense: apache-2.0\n---\n# Word vectors\n"


def write_checkpoint(
    path: Path,
    of_tensors: Mapping[str, NDArray[Any]] | None = None,
    readme: str = README,
    **changes: Any,
) -> Path:
    """Write a checkpoint directory and return it; `changes` are keys of config.json."""
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config(**changes)), encoding="utf-8")
    save_file(dict(of_tensors or tensors()), path / "model.safetensors")
    if readme:
        (path / "README.md").write_text(readme, encoding="utf-8")
    return path


def _convert(checkpoint: Checkpoint, options: ImportOptions) -> Converted:
    if checkpoint.config.get("is_unknown_layout"):
        raise CheckpointError(f"{checkpoint.path} has another layout")
    weights = Weights.of_tensors(checkpoint.tensors, options.precision)
    language = options.languages[0] if options.languages else "en"
    text = WordTextEncoder(
        WordTextEncoderConfig(language),
        checkpoint.config["labels"],
        Vocabulary(checkpoint.config["vocabulary"]),
    )
    g = GraphBuilder("words", weights)
    ids, lengths = g.int_input("word_ids", "B", "T"), g.int_input("lengths", "B")
    total = g.op("ReduceSum", g.rows(g.weight("embedding.weight"), ids), g.ints(1), keepdims=0)
    mean = g.op("Div", total, g.op("Unsqueeze", g.to_float(lengths), g.ints(1)))
    g.output("logits", linear(g, mean, "output"), "B", len(text.labels))
    return Converted(
        task="sentiment",
        languages=(),
        labels=text.labels,
        graphs={CLASSIFIER_GRAPH: g.build()},
        weights=weights,
        config={"architecture": "words", "text": text.to_mapping(), "temperature": 1.0},
        score_kind="softmax",
        limits={"max_tokens": 64},
        golden=({"text": "A great film."}, {"text": "The plot is dull."}, {"text": "x"}),
        warnings=("the labels are untrained",) if checkpoint.config.get("is_new") else (),
    )


def _compare(checkpoint: Checkpoint, draft: Bundle) -> float:
    return float(checkpoint.config.get("difference", 1e-7))


WORD_FAMILY = Family(_convert, _compare)
