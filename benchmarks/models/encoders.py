"""An imported encoder beside onnxruntime's own dynamic int8 and torch: 6 layers, 384 features, random weights.

Dynamic int8 is onnxruntime's `quantize_dynamic` of our fp32 graph, whose operators are fused already. Its
answers depend on the batch; ours do not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks.models.lstm import EAGER
from benchmarks.models.random_bert import MINILM
from benchmarks.models.size import Size
from benchmarks.tools.timing import Comparison, Ratio, compare
from benchmarks.tools.workspace import Report, Workspace
from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.encoder import input_quantizations
from model_export.checkpoints.encoder_reading import Encoder, read_encoder
from model_export.exporters.graphs.external import graph_files
from model_export.exporters.graphs.text_encoder import text_encoder_graph
from model_export.exporters.graphs.weights import InputQuantization, Weights
from seqserve.cpus import has_vnni
from seqserve.runtime.session import VNNI_SUFFIX, WEIGHTS_SUFFIX, make_session
from seqserve.text.protocols import Inputs

CALIBRATED, BY_ROW = "seqserve, calibrated", "seqserve, a scale per row"
DYNAMIC = "onnxruntime dynamic int8"
SHAPES = ((1, 24), (1, 128), (16, 24), (16, 128))  # texts, tokens
_SIZES = {**MINILM, "vocab_size": 30522, "num_labels": 9}
_N_BATCHES = 3

Run = Callable[[Inputs], object]


@dataclass(frozen=True)
class EncoderCell:
    """CPU times of all sides on one thread, for one batch size and length."""

    batch: int
    tokens: int
    comparison: Comparison

    def ratio(self, other: str, ours: str) -> Ratio:
        """Return how many times faster one of ours is than a peer."""
        return self.comparison.ratio(other, ours, "cpu")


def measure_encoders(space: Workspace, size: Size, report: Report) -> tuple[EncoderCell, ...]:
    """Compare a token classifier of the size of MiniLM."""
    torch.set_num_threads(1)
    sides = encoder_sides(space.scratch, _SIZES, space.seed)
    rng = np.random.default_rng(space.seed)
    cells = []
    for batch, tokens in SHAPES:
        items = [_draw(rng, batch, tokens, _SIZES["vocab_size"]) for _ in range(_N_BATCHES)]
        cells.append(EncoderCell(batch, tokens, compare(sides, items, size.budget, space.seed)))
        ratio = cells[-1].ratio(DYNAMIC, CALIBRATED)
        report(f"encoder, {batch} x {tokens} tokens: {ratio} to {DYNAMIC}")
    return tuple(cells)


def encoder_sides(scratch: Path, sizes: dict[str, int], seed: int) -> dict[str, Run]:
    """Build all sides of a random BERT with a token head.

    Args:
        scratch: Folder for temporary files.
        sizes: Of its config.
        seed: Of its weights.
    """
    model, encoder = _random_bert(sizes, seed)
    rng = np.random.default_rng(seed)
    batches = [_draw(rng, 16, 32, sizes["vocab_size"]) for _ in range(4)]
    inputs = input_quantizations(encoder, batches)

    def eager(batch: Inputs) -> object:
        with torch.inference_mode():
            return model(
                input_ids=torch.from_numpy(batch["ids"]),
                attention_mask=torch.ones(batch["ids"].shape, dtype=torch.int64),
            )

    return {
        CALIBRATED: _int8_side(encoder, inputs),
        BY_ROW: _int8_side(encoder, {}),
        DYNAMIC: _dynamic_side(encoder, scratch),
        EAGER: eager,
    }


def _draw(rng: np.random.Generator, batch: int, tokens: int, n_ids: int) -> Inputs:
    """Draw ids (B, T) without padding, and lengths (B,)."""
    return {"ids": rng.integers(1, n_ids, (batch, tokens)), "lengths": np.full(batch, tokens)}


def _random_bert(sizes: dict[str, int], seed: int) -> tuple[Any, Encoder]:
    """Return the model of transformers, and the same as a checkpoint that was read."""
    import transformers

    made: Any = transformers  # its types are incomplete
    torch.manual_seed(seed)
    config = made.BertConfig(**sizes)
    model = made.BertForTokenClassification(config).eval()
    values = {**config.to_dict(), "architectures": [type(model).__name__]}
    values["id2label"] = {str(i): f"B-{i}" for i in range(sizes["num_labels"])}
    tensors = {
        name: tensor.float().numpy()
        for name, tensor in model.state_dict().items()
        if tensor.is_floating_point()
    }
    return model, read_encoder(Checkpoint(Path("random"), values, {}, tensors, {}))


def _int8_side(encoder: Encoder, inputs: dict[str, InputQuantization]) -> Run:
    """Load our graph as a bundle's is loaded: the one for this CPU."""
    weights = Weights.of_tensors(encoder.tensors, "int8", inputs, exact=encoder.model.exact)
    files = graph_files({"graph.onnx": text_encoder_graph(encoder.model, weights)}, weights)
    graph = files["graph" + VNNI_SUFFIX if has_vnni() else "graph.onnx"]
    shared = {name: file for name, file in files.items() if name.endswith(WEIGHTS_SUFFIX)}
    session = make_session(graph, weights=shared)
    return lambda batch: session.run(None, batch)


def _dynamic_side(encoder: Encoder, scratch: Path) -> Run:
    """Quantize our fp32 graph with onnxruntime's tool, whose weights must not be behind a Transpose."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    scratch.mkdir(parents=True, exist_ok=True)
    exact = Weights.of_tensors(encoder.tensors)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(scratch / "folded.onnx")
    options.log_severity_level = 3
    graph = text_encoder_graph(encoder.model, exact).SerializeToString()
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    with _without_advice():
        quantize_dynamic(
            scratch / "folded.onnx",
            scratch / "dynamic.onnx",
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": 1},  # float32, of values whose type it cannot tell
        )
    session = make_session(scratch / "dynamic.onnx")
    return lambda batch: session.run(None, batch)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence the tool, which recommends its pre-processing by the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
