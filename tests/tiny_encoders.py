"""Bundles of encoders: taggers without context that know some words, and random ones that were converted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model_export.checkpoints.base import ImportOptions
from model_export.checkpoints.encoder import convert
from model_export.checkpoints.encoder_layouts import LAYOUTS
from model_export.checkpoints.tokenizer import encoder_text
from model_export.exporters.graphs.external import WEIGHTS_FILE, refer
from seqserve.arrays import FloatArray
from seqserve.bundle import Bundle, write_bundle
from seqserve.manifest import Description
from seqserve.tasks import Task
from seqserve.text.pieces import PieceTokenizer
from seqserve.text.tag_schemes import read_tags
from tests.model_export.checkpoints.encoders import checkpoint_directory, read
from tests.tiny_tokenizers import TOKENIZERS, read_checkpoint, write_checkpoint, write_tokenizer

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = {"Anna": "B-PER", "Lee": "I-PER", "Berlin": "B-LOC"}
"""Word -> the tag that its first piece gets with a margin of 4; the first pieces of all others get O."""

CONVERTED = [name for name, (family, _) in TOKENIZERS.items() if family in LAYOUTS]
"""Tokenizers of the families that `write_converted` converts."""


def piece_graph(table: FloatArray) -> bytes:
    """Return a graph with the inputs `ids` and `lengths`, whose `emissions` are rows of a table (V, K)."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["emissions"])],
        "pieces",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "T"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT64, ["B"]),
        ],
        [helper.make_tensor_value_info("emissions", TensorProto.FLOAT, ["B", "T", table.shape[1]])],
        [numpy_helper.from_array(table.astype(np.float32), "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    contents: bytes = model.SerializeToString()
    return contents


def tagger_files(
    folder: Path, name: str, tags: Sequence[str] = TAGS, **config: Any
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Return the files of a tagger that knows `WORDS`, and its labels."""
    text = encoder_text(write_checkpoint(folder / "checkpoint", name, **config), "en")
    tokenizer = PieceTokenizer.from_bundle(text.files["tokenizer.json"], text.config, "test")
    table = np.random.default_rng(3).normal(scale=0.1, size=(500, len(tags)))
    outside = tags.index("O")
    table[:, outside] += 4
    for word, tag in WORDS.items():
        for spelled in (word, f" {word}"):
            first = next(
                piece.id for piece in tokenizer.pieces(spelled) if piece.symbol not in "▁Ġ"
            )
            table[first] = 0
            table[first, tags.index(tag)] = 4
    files = {
        "emissions.onnx": piece_graph(table),
        "config.json": _json(
            {"architecture": "encoder", "text": text.config, "tags": list(tags), "temperature": 1.0}
        ),
        **text.files,
    }
    return files, read_tags(tags).labels


def write_tagger(folder: Path, name: str, tags: Sequence[str] = TAGS, **config: Any) -> Bundle:
    """Write the bundle of a tagger that knows `WORDS`, with a tokenizer of `TOKENIZERS`."""
    files, labels = tagger_files(folder, name, tags, **config)
    return write_bundle(folder / "bundle", files, description("ner", labels))


def write_converted(
    folder: Path, name: str, head: str, labels: Sequence[str] = (), **config: Any
) -> Bundle:
    """Convert a random encoder and write its bundle.

    Args:
        folder: Where `checkpoint` and `bundle` go.
        name: Of its tokenizer, in `TOKENIZERS`.
        head: As in `tests/model_export/checkpoints/encoders.py`.
        labels: Of the head's outputs; empty: those of that module.
        config: Changes of config.json.
    """
    path = folder / "checkpoint"
    shutil.copytree(checkpoint_directory(TOKENIZERS[name][0], head), path)
    write_tokenizer(path, name)
    if labels:
        config["id2label"] = {str(i): label for i, label in enumerate(labels)}
    settings = json.loads((path / "config.json").read_bytes()) | config
    (path / "config.json").write_text(json.dumps(settings))
    checkpoint = replace(read(path), tokenizer_config=read_checkpoint(path).tokenizer_config)
    converted = convert(checkpoint, ImportOptions("fp32", ("en",)))
    assert converted.weights
    weights = converted.weights.to_bytes()
    files = {
        **{name: refer(graph, weights) for name, graph in converted.graphs.items()},
        **converted.files,
        WEIGHTS_FILE: weights,
        "config.json": _json(converted.config),
    }
    manifest = description(converted.task, converted.labels)
    return write_bundle(
        folder / "bundle", files, replace(manifest, score_kind=converted.score_kind)
    )


def description(task: Task, labels: Sequence[str]) -> Description:
    """Return what a manifest says of a tiny encoder."""
    return Description(
        name="tiny-encoder",
        version="1",
        task=task,
        languages=("en",),
        labels=tuple(labels),
        precision="fp32",
        limits={"max_tokens": 62},
        data=(),
        licence="CC0-1.0",
        metrics={},
        tools={},
        created="2026-01-01",
    )


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode()
