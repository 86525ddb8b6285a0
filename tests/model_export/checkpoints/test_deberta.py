"""DeBERTa against transformers, in both precisions; answers alone and in a batch."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from model_export.checkpoints import deberta
from model_export.checkpoints.base import Converted, ImportOptions
from model_export.checkpoints.encoder_parts import calibration_batches, random_inputs
from model_export.checkpoints.tokenizer import encoder_text
from model_export.exporters.graphs.external import graph_files
from model_export.int8.quantization import check_invariance
from seqserve.dequantization import INPUT_SCALE
from seqserve.errors import CheckpointError
from seqserve.runtime.session import make_session, run
from seqserve.text.protocols import Inputs
from tests.marian_checkpoints import write_converted
from tests.model_export.checkpoints.encoders import (
    SEQUENCE,
    TOKEN,
    TOPICS,
    VOCABULARY,
    checkpoint_directory,
    read,
    with_tensors,
)

CASE = "deberta-v2"
SHAPES = [(n_texts, n_tokens) for n_texts in (1, 3, 7) for n_tokens in (1, 2, 17, 64)] + [(2, 300)]
TEXTS = [" ".join(f"w{(i * j) % 400 + 20}" for j in range(1, 12)) for i in range(1, 90)]
OPTIONS = {
    "fp32": ImportOptions("fp32", languages=("en",)),
    "int8": ImportOptions("int8", languages=("en",)),
    "calibrated": ImportOptions("int8", languages=("en",), calibration=TEXTS),
}


@cache
def converted(head: str, kind: str) -> Converted:
    return deberta.convert(read(checkpoint_directory(CASE, head)), OPTIONS[kind])


def session(parts: Converted) -> onnxruntime.InferenceSession:
    (graph,) = parts.graphs.values()
    return make_session(graph.SerializeToString())


def draw(rng: np.random.Generator, n_texts: int, n_tokens: int) -> Inputs:
    return random_inputs(rng, n_texts, n_tokens, (VOCABULARY, 0))


@pytest.mark.slow
@pytest.mark.parametrize("head", [TOKEN, SEQUENCE], ids=["token", "sequence"])
def test_fp32_equals_transformers(head: str, tmp_path: Path) -> None:
    checkpoint = read(checkpoint_directory(CASE, head))
    parts = converted(head, "fp32")
    assert deberta.compare(checkpoint, write_converted(tmp_path / "draft", parts)) < 1e-5
    graph = session(parts)
    check_invariance(CASE, lambda inputs: run(graph, inputs), draw, SHAPES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["int8", "calibrated"])
@pytest.mark.parametrize("head", [TOKEN, SEQUENCE], ids=["token", "sequence"])
def test_int8(head: str, kind: str) -> None:
    parts = converted(head, kind)
    small = session(parts)
    check_invariance(CASE, lambda inputs: run(small, inputs), draw, SHAPES)
    text = encoder_text(read(checkpoint_directory(CASE, head)), "")
    inputs = calibration_batches(text, TEXTS)[0]
    exact, rounded = (
        next(iter(run(one, inputs).values())) for one in (session(converted(head, "fp32")), small)
    )
    spread = np.abs(exact - exact.mean()).max()
    assert 0 < np.abs(exact - rounded).max() < 0.1 * spread
    assert parts.weights is not None
    scaled = any(name.endswith(INPUT_SCALE) for name in parts.weights.tensors)
    assert scaled == (kind == "calibrated")


@pytest.mark.slow
def test_parts() -> None:
    parts = converted(SEQUENCE, "int8")
    assert parts.task == "classification"
    assert parts.labels == TOPICS
    assert parts.weights is not None
    checkpoint = read(checkpoint_directory(CASE, SEQUENCE))
    large = {name for name, tensor in checkpoint.tensors.items() if tensor.size >= 4096}
    quantized = {name for name in large if parts.weights.is_quantized(name)}
    # The table of distances is normalised before it is multiplied.
    assert large - quantized == {"pooler.dense.weight", "deberta.encoder.rel_embeddings.weight"}
    files = graph_files(parts.graphs, parts.weights)
    assert set(files) == {"classifier.onnx", "classifier.vnni.onnx", "weights.safetensors"}
    assert len(files["classifier.onnx"]) < len(files["weights.safetensors"])
    assert (
        b".py" not in files["classifier.onnx"]
    )  # the exporter's traces name files of this machine


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("no head", {"architectures": ["DebertaV2Model"]}, {}, "of the class DebertaV2Model"),
    ("code", {"auto_map": {"AutoModel": "x.Y"}}, {}, "code of its own"),
    ("labels", {"id2label": {"0": "O"}}, {}, "5 outputs, and id2label"),
    ("width", {"hidden_size": 0}, {}, "hidden_size is 0"),
    ("no classifier", {}, {"classifier.weight": None}, "missing tensors: classifier.weight"),
    ("damaged", {}, {"classifier.bias": np.full(5, np.nan, np.float32)}, "not finite"),
]


@pytest.mark.parametrize(
    ("config", "tensors", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused(config: dict[str, Any], tensors: dict[str, Any], message: str) -> None:
    checkpoint = with_tensors(read(checkpoint_directory(CASE, TOKEN), **config), **tensors)
    with pytest.raises(CheckpointError, match=message):
        deberta.convert(checkpoint, OPTIONS["fp32"])


def test_torch_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match="exported by torch"):
        deberta.convert(read(checkpoint_directory(CASE, TOKEN)), OPTIONS["fp32"])
