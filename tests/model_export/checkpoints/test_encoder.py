"""Every family and head against transformers, in every precision; answers alone and in a batch."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from model_export.checkpoints import encoder
from model_export.checkpoints.base import Checkpoint, Converted, ImportOptions
from model_export.checkpoints.encoder_parts import calibration_batches, random_inputs
from model_export.checkpoints.tokenizer import encoder_text
from model_export.int8.quantization import check_invariance
from seqserve.dequantization import INPUT_SCALE
from seqserve.errors import CheckpointError, DataError, ExportError
from seqserve.manifest import Precision
from seqserve.runtime.session import make_session, run
from seqserve.text.protocols import Inputs
from tests.marian_checkpoints import write_converted
from tests.model_export.checkpoints.encoders import (
    CASES,
    SEQUENCE,
    TAGS,
    TOKEN,
    TOPICS,
    VOCABULARY,
    checkpoint_directory,
    read,
    with_tensors,
)

HEADS = pytest.mark.parametrize("head", [TOKEN, SEQUENCE], ids=["token", "sequence"])
FAMILIES = pytest.mark.parametrize("case", CASES)
SHAPES = [(n_texts, n_tokens) for n_texts in (1, 2, 7) for n_tokens in (1, 2, 3, 17, 64, 300)]


@cache
def converted(case: str, head: str, precision: Precision = "fp32") -> Converted:
    checkpoint = read(checkpoint_directory(case, head))
    return encoder.convert(checkpoint, ImportOptions(precision, languages=("en",)))


def session_of(parts: Converted) -> onnxruntime.InferenceSession:
    (graph,) = parts.graphs.values()
    return make_session(graph.SerializeToString())


def compared(checkpoint: Checkpoint, parts: Converted, folder: Path) -> float:
    """Return the difference between the bundle of the parts and transformers."""
    return encoder.compare(checkpoint, write_converted(folder / "draft", parts))


def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
    return random_inputs(rng, n_texts, n_tokens, (VOCABULARY, 1))


@HEADS
@FAMILIES
def test_fp32_equals_transformers(case: str, head: str, tmp_path: Path) -> None:
    checkpoint = read(checkpoint_directory(case, head))
    assert compared(checkpoint, converted(case, head), tmp_path) < 1e-5


@HEADS
@FAMILIES
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_answers_alone_equal_those_in_a_batch(case: str, head: str, precision: Precision) -> None:
    session = session_of(converted(case, head, precision))
    check_invariance(case, lambda inputs: run(session, inputs), draw, SHAPES)


@HEADS
@FAMILIES
def test_int8_is_close_to_fp32(case: str, head: str) -> None:
    sessions = [session_of(converted(case, head, precision)) for precision in ("fp32", "int8")]
    inputs = draw(np.random.default_rng(0), 7, 40)
    exact, rounded = (next(iter(run(session, inputs).values())) for session in sessions)
    spread = np.abs(exact - exact.mean()).max()
    assert 0 < np.abs(exact - rounded).max() < 0.1 * spread


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["half", "bfloat16"])
@pytest.mark.parametrize("case", ["bert", "roberta", "distilbert"])
def test_half_precision_is_read_as_float32(case: str, dtype: torch.dtype, tmp_path: Path) -> None:
    checkpoint = read(checkpoint_directory(case, TOKEN, dtype))
    parts = encoder.convert(checkpoint, ImportOptions("fp32"))
    assert compared(checkpoint, parts, tmp_path) < 1e-5


def test_chunks_of_the_checkpoint_do_not_stop_the_comparison(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    shutil.copytree(checkpoint_directory("bert", TOKEN), path)
    config = json.loads((path / "config.json").read_text()) | {"chunk_size_feed_forward": 16}
    (path / "config.json").write_text(json.dumps(config))
    checkpoint = read(path)
    assert compared(checkpoint, encoder.convert(checkpoint, ImportOptions("fp32")), tmp_path) < 1e-5


def test_what_transformers_cannot_load_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    shutil.copytree(checkpoint_directory("bert", TOKEN), path)
    checkpoint = read(path)
    (path / "config.json").write_bytes(b"\xef\xbb\xbf" + (path / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match="transformers cannot load"):
        compared(checkpoint, converted("bert", TOKEN), tmp_path)


def test_a_wrong_graph_is_noticed(tmp_path: Path) -> None:
    checkpoint = read(checkpoint_directory("bert", TOKEN))
    with pytest.raises(ExportError, match="where torch returns"):
        compared(checkpoint, converted("bert with relu", TOKEN), tmp_path)


def test_parts_of_a_token_head() -> None:
    parts = converted("bert", TOKEN, "int8")
    assert parts.task == "ner"
    assert parts.labels == ("PER", "LOC")
    assert list(parts.graphs) == ["emissions.onnx"]
    assert parts.config["architecture"] == "encoder"
    assert parts.config["tags"] == list(TAGS)
    assert parts.config["activation"] == "softmax"
    assert parts.config["temperature"] == 1.0
    assert parts.config["model"]["family"] == "bert"
    assert parts.config["model"]["layers"] == 2
    assert parts.score_kind == "posterior"
    assert parts.languages == ("en",)
    assert parts.limits == {"max_window_tokens": 318}
    assert list(parts.files) == ["tokenizer.json"]
    assert parts.warnings == ()


def test_parts_of_a_sequence_head() -> None:
    parts = converted("roberta", SEQUENCE)
    assert parts.task == "classification"
    assert parts.labels == TOPICS
    assert list(parts.graphs) == ["classifier.onnx"]
    assert "tags" not in parts.config
    assert parts.score_kind == "softmax"


def test_tags_of_no_scheme_are_refused() -> None:
    checkpoint = read(
        checkpoint_directory("bert", TOKEN), id2label={str(i): f"[{i}]" for i in range(5)}
    )
    with pytest.raises(CheckpointError, match="are no tags"):
        encoder.convert(checkpoint, ImportOptions("fp32"))


WORDS = [f"w{i}" for i in range(20, 140)]
TEXTS = [" ".join(random.Random(i).choices(WORDS, k=1 + i % 14)) for i in range(200)]


def calibrated(case: str, head: str) -> Converted:
    checkpoint = read(checkpoint_directory(case, head))
    return encoder.convert(checkpoint, ImportOptions("int8", calibration=TEXTS))


@HEADS
@FAMILIES
def test_calibrated_int8(case: str, head: str) -> None:
    parts = calibrated(case, head)
    assert parts.weights is not None
    scaled = [name for name in parts.weights.tensors if name.endswith(INPUT_SCALE)]
    assert scaled
    session = session_of(parts)
    check_invariance(case, lambda inputs: run(session, inputs), draw, SHAPES)
    exact, by_row = (session_of(converted(case, head, precision)) for precision in ("fp32", "int8"))
    text = encoder_text(read(checkpoint_directory(case, head)), "")
    inputs = calibration_batches(text, TEXTS)[0]
    expected, rounded, static = (
        next(iter(run(one, inputs).values())) for one in (exact, by_row, session)
    )
    errors = [float(np.square(one - expected).mean()) for one in (rounded, static)]
    assert 0 < errors[1] < 5 * errors[0]


def test_texts_without_words_cannot_calibrate() -> None:
    checkpoint = read(checkpoint_directory("bert", TOKEN))
    with pytest.raises(DataError, match="hold no words"):
        encoder.convert(checkpoint, ImportOptions("int8", calibration=["", "  "]))


def test_long_texts_calibrate_in_windows() -> None:
    checkpoint = read(checkpoint_directory("bert", TOKEN))
    text = encoder_text(checkpoint, "en")
    batches = calibration_batches(text, [" ".join(["w20"] * 700)])
    assert sorted(int(n) for batch in batches for n in batch["lengths"]) == [66, 320, 320]


@HEADS
def test_weights_keep_their_names(head: str) -> None:
    checkpoint = read(checkpoint_directory("bert", head))
    parts = encoder.convert(checkpoint, ImportOptions("fp32"))
    assert parts.weights is not None
    for name, tensor in parts.weights.tensors.items():
        assert np.array_equal(tensor, checkpoint.tensors[name])


def test_old_names_of_layer_norms() -> None:
    checkpoint = read(checkpoint_directory("bert", TOKEN))
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in checkpoint.tensors.items()
    }
    assert old.keys() != checkpoint.tensors.keys()
    parts = encoder.convert(replace(checkpoint, tensors=old), ImportOptions("fp32"))
    assert parts.graphs == converted("bert", TOKEN).graphs


def test_equal_checkpoints_have_equal_graphs() -> None:
    checkpoint = read(checkpoint_directory("albert", TOKEN))
    again = encoder.convert(checkpoint, ImportOptions("fp32", languages=("en",)))
    assert again.graphs == converted("albert", TOKEN).graphs


def test_a_row_of_zeros_has_logits() -> None:
    """Relu makes rows of zeros where all inputs are negative."""
    checkpoint = read(checkpoint_directory("bert with relu", TOKEN))
    name = "bert.encoder.layer.0.intermediate.dense.bias"
    dead = with_tensors(checkpoint, **{name: np.full(128, -1e4, np.float32)})
    parts = encoder.convert(dead, ImportOptions("int8"))
    (found,) = run(session_of(parts), draw(np.random.default_rng(0), 2, 9)).values()
    assert np.isfinite(found).all()
