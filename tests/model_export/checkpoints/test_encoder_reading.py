"""What is refused, a row each; labels and tasks; warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model_export.checkpoints import encoder_tensors
from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.encoder_heads import read_head
from model_export.checkpoints.encoder_layouts import LAYOUTS
from model_export.checkpoints.encoder_reading import read_encoder
from seqserve.errors import CheckpointError
from tests.model_export.checkpoints.encoders import (
    CASES,
    SEQUENCE,
    TOKEN,
    checkpoint_directory,
    read,
    with_tensors,
)

ZERO_TO = {str(i): name for i, name in enumerate(("O", "B-PER", "I-PER", "B-LOC", "I-LOC"))}


def bert(**changes: Any) -> Checkpoint:
    return read(checkpoint_directory("bert", TOKEN), **changes)


CONFIGS: list[tuple[dict[str, Any], str]] = [
    (
        {"architectures": ["BertModel"]},
        "of the class BertModel; only BertForTokenClassification and",
    ),
    ({"architectures": ["BertForMaskedLM"]}, "of the class BertForMaskedLM"),
    ({"architectures": ["BertCrfForTokenClassification"]}, "BertCrfForTokenClassification"),
    ({"architectures": ["RobertaForTokenClassification"]}, "RobertaForTokenClassification"),
    ({"architectures": None}, "of no named class"),
    ({"architectures": []}, "of no named class"),
    ({"architectures": "BertForTokenClassification"}, "of no named class"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
    ({"auto_map": {"AutoModel": "code.Model"}}, "code of its own"),
    ({"quantization_config": {"load_in_8bit": True}}, "quantized"),
    ({"is_decoder": True}, "decoder"),
    ({"add_cross_attention": True}, "second text"),
    ({"pruned_heads": {"0": [1]}}, "pruned_heads"),
    ({"hidden_act": "mish"}, "hidden_act is 'mish'; allowed are gelu"),
    ({"hidden_act": ["gelu"]}, "hidden_act is"),
    ({"layer_norm_eps": 0}, "layer_norm_eps is 0"),
    ({"layer_norm_eps": "1e-12"}, "layer_norm_eps is '1e-12'"),
    ({"hidden_size": None}, "hidden_size is missing"),
    ({"hidden_size": 63}, "hidden_size 63 is not divisible by num_attention_heads 4"),
    ({"num_attention_heads": 0}, "num_attention_heads is 0"),
    ({"num_attention_heads": 2.0}, "num_attention_heads is 2.0"),
    ({"num_hidden_layers": True}, "num_hidden_layers is True"),
    ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
    ({"num_hidden_layers": 3}, "missing tensors: bert.encoder.layer.2.*and 13 more"),
    ({"intermediate_size": 256}, r"must be \(256, 64\)"),
    ({"vocab_size": 501}, r"word_embeddings.weight is \(500, 64\)"),
    ({"max_position_embeddings": 512}, r"position_embeddings.weight is \(320, 64\)"),
    ({"id2label": {"0": "O"}}, "5 outputs, and id2label in config.json names 1"),
    ({"id2label": ZERO_TO | {"5": "B-ORG"}}, "names 6"),
    ({"id2label": {f"{i + 1}": f"B-{i}" for i in range(5)}}, "it must name 0 to 4"),
    ({"id2label": ZERO_TO | {"4": "O"}}, "has 'O' twice"),
    ({"id2label": ZERO_TO | {"4": " "}}, "empty name"),
    ({"id2label": ZERO_TO | {"4": 4}}, "must map the numbers of outputs to names"),
    ({"id2label": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]}, "must map the numbers"),
    ({"id2label": None}, "5 outputs, and id2label in config.json names 2"),
]


@pytest.mark.parametrize(("changes", "message"), CONFIGS, ids=[str(row[0]) for row in CONFIGS])
def test_configs_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_encoder(bert(**changes))


WORDS, QUERY = (
    "bert.embeddings.word_embeddings.weight",
    "bert.encoder.layer.1.attention.self.query.weight",
)
TENSORS: list[tuple[str, dict[str, Any], str]] = [
    ("missing", {QUERY: None}, f"missing tensors: {QUERY};"),
    ("no head", {"classifier.weight": None}, "missing tensors: classifier.weight;"),
    ("shape", {QUERY: np.zeros((64, 32), np.float32)}, rf"{QUERY} is \(64, 32\)"),
    ("scalar head", {"classifier.weight": np.float32(1)}, "classifier.weight is"),
    ("int8", {QUERY: np.zeros((64, 64), np.int8)}, f"{QUERY} is int8: quantized"),
    ("not a number", {WORDS: np.full((500, 64), np.nan, np.float32)}, "not finite"),
    ("infinite", {"classifier.bias": np.full(5, np.inf, np.float32)}, "classifier.bias has values"),
    ("adapter", {"bert.layer.0.lora_A.weight": np.zeros((4, 64), np.float32)}, "of an adapter"),
]


@pytest.mark.parametrize(
    ("changes", "message"), [row[1:] for row in TENSORS], ids=[row[0] for row in TENSORS]
)
def test_tensors_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_encoder(with_tensors(bert(), **changes))


def test_a_model_that_no_graph_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_tensors, "LARGEST_MODEL", 400_000)
    with pytest.raises(CheckpointError, match=r"has 0\.0 GB in float32; at most 0\.0 GB"):
        read_encoder(bert())


@pytest.mark.parametrize("padding_id", [-1, "1", 1.0, 10**9])
def test_a_padding_id_that_positions_cannot_be_counted_from(padding_id: Any) -> None:
    with pytest.raises(CheckpointError, match="pad_token_id is"):
        read_encoder(read(checkpoint_directory("roberta", TOKEN), pad_token_id=padding_id))


def test_tensors_without_a_use_are_named() -> None:
    extra = {"bert.encoder.gate.weight": np.zeros(3, np.float32)}
    harmless = {"bert.embeddings.position_ids": np.arange(9), "cls.predictions.bias": np.zeros(2)}
    assert read_encoder(with_tensors(bert(), **harmless)).facts.warnings == ()
    (warning,) = read_encoder(with_tensors(bert(), **extra, **harmless)).facts.warnings
    assert warning == "Not used, as in transformers: bert.encoder.gate.weight."


@pytest.mark.parametrize("head", [TOKEN, SEQUENCE])
@pytest.mark.parametrize("case", CASES)
def test_every_tensor_of_a_checkpoint_is_used(case: str, head: str) -> None:
    checkpoint = read(checkpoint_directory(case, head))
    encoder = read_encoder(checkpoint)
    assert encoder.tensors.keys() == checkpoint.tensors.keys()
    assert encoder.facts.warnings == ()


def test_every_family_has_a_case() -> None:
    assert {family for family, _, _ in CASES.values()} == set(LAYOUTS)


def config(*labels: str, **others: Any) -> dict[str, Any]:
    return {"id2label": {str(i): label for i, label in enumerate(labels)}, **others}


HEADS = [
    (config("NEGATIVE", "POSITIVE"), "sentiment", ("negative", "positive"), "softmax"),
    (config("Positive", "Negative"), "sentiment", ("positive", "negative"), "softmax"),
    (config("NEG", "NEU", "POS"), "sentiment", ("negative", "neutral", "positive"), "softmax"),
    (config("negative", "neutral"), "classification", ("negative", "neutral"), "softmax"),
    (config("neg", "negative"), "classification", ("neg", "negative"), "softmax"),
    (config("positive", "negative", "mixed"), "classification", None, "softmax"),
    (config("1 star", "2 stars"), "classification", ("1 star", "2 stars"), "softmax"),
    (
        config("negative", "positive", problem_type="multi_label_classification"),
        *("classification", ("negative", "positive"), "sigmoid"),
    ),
    (
        config("a", "b", problem_type="single_label_classification"),
        "classification",
        None,
        "softmax",
    ),
]


@pytest.mark.parametrize(("config", "task", "labels", "kind"), HEADS, ids=range(len(HEADS)))
def test_the_task_of_a_sequence_head(
    config: dict[str, Any], task: str, labels: tuple[str, ...] | None, kind: str
) -> None:
    head = read_head(config, True, len(config["id2label"]))
    assert (head.task, head.activation, head.score_kind) == (task, kind, kind)
    assert head.labels == (labels or tuple(config["id2label"].values()))
    assert head.warnings == ()


@pytest.mark.parametrize(
    ("config", "n_outputs", "message"),
    [
        (config("score"), 1, "one output"),
        (config("score", problem_type="regression"), 1, "computes a number"),
        (config("x", "y", problem_type="regression"), 2, "computes a number"),
        (config("x", problem_type="multi_label_classification"), 1, "one output"),
        (config("x", "y", problem_type="ranking"), 2, "problem_type is 'ranking'; allowed are"),
        (config("x", "y", problem_type=[1]), 2, "problem_type is"),
    ],
)
def test_heads_that_are_refused(config: dict[str, Any], n_outputs: int, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_head(config, True, n_outputs)


@pytest.mark.parametrize("config", [{}, {"num_labels": 2}, config("LABEL_0", "LABEL_1")])
def test_labels_without_names_are_warned_of(config: dict[str, Any]) -> None:
    head = read_head(config, True, 2)
    assert head.labels == ("LABEL_0", "LABEL_1")
    (warning,) = head.warnings
    assert "set id2label" in warning


@pytest.mark.parametrize(
    ("labels", "is_warned"),
    [
        (("O", "B-PER", "I-PER"), False),
        (("PER", "o"), False),
        (("[PAD]", "PER"), False),
        (("B-PER", "I-PER"), True),
        (("NOUN", "VERB"), True),
    ],
)
def test_a_token_head_without_outside_is_warned_of(
    labels: tuple[str, ...], is_warned: bool
) -> None:
    head = read_head(config(*labels), False, len(labels))
    assert ["No label is O" in warning for warning in head.warnings] == [True] * is_warned
