"""Heads are trained on the first pieces of words, and frozen layers stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.models.fine_tuning import (
    IGNORED,
    FineTuning,
    fine_tune,
    read_tokenizer,
    tag_examples,
)
from model_export.checkpoints.directory import read_checkpoint
from seqserve.training.data import TaggedSentence
from tests.tiny_checkpoints import TOKEN, write_tiny

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SENTENCE = TaggedSentence(
    ("Anna", "Lee", "left", "U.S.", "."), ("B-PER", "I-PER", "O", "B-LOC", "O")
)


def test_words_of_a_token_continue_its_entity(tmp_path: Path) -> None:
    tokenizer = read_tokenizer(write_tiny(tmp_path / "encoder", "bert"))
    (example,) = tag_examples(tokenizer, [SENTENCE], TAGS)
    assert isinstance(example.target, list) and len(example.target) == len(example.ids)
    named = [TAGS[one] for one in example.target if one != IGNORED]
    assert named == ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "I-LOC", "I-LOC", "O"]
    assert example.target[0] == example.target[-1] == IGNORED


def test_frozen_layers_stay(tmp_path: Path) -> None:
    encoder = write_tiny(tmp_path / "encoder", "bert", TOKEN)
    examples = tag_examples(read_tokenizer(encoder), [SENTENCE] * 6, TAGS)
    how = FineTuning(6, 2, n_frozen=1, batch=2)
    fine_tune(encoder, tmp_path / "made", TAGS, examples, how)
    before, after = read_checkpoint(encoder).tensors, read_checkpoint(tmp_path / "made").tensors
    changed = {
        name
        for name in before.keys() & after.keys()
        if not np.array_equal(before[name], after[name])
    }
    layers = {name for name in changed if name.startswith("bert.encoder.layer.")}
    assert layers and all(name.startswith("bert.encoder.layer.1.") for name in layers)
    assert not any("embeddings" in name for name in changed)
    checkpoint = read_checkpoint(tmp_path / "made")
    assert checkpoint.config["id2label"] == {str(i): tag for i, tag in enumerate(TAGS)}
    assert checkpoint.has("tokenizer.json") and checkpoint.has("README.md")
