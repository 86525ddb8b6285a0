"""The encoder's graph against torch, and against itself with other padding and other batch mates."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_export.exporters.graphs.encoder import encoder_graph
from model_export.exporters.graphs.weights import InputQuantization, Weights
from seqserve.arrays import FloatArray, IntArray
from seqserve.manifest import Precision
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.runtime.session import make_session, run

CONFIGS = {
    "relu": TransformerConfig(70, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=48),
    "swish": TransformerConfig(
        70, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=48, activation="swish"
    ),
    "one head of odd width": TransformerConfig(
        70, 15, 1, encoder_layers=1, decoder_layers=3, ffn_dim=48
    ),
    "padding id as Marian has it": TransformerConfig(
        70, 32, 2, encoder_layers=1, decoder_layers=1, ffn_dim=48, pad_id=69, end_id=0
    ),
}
SHAPES = [(1, 1), (1, 9), (5, 1), (3, 4), (7, 33), (2, 300), (1, 1024)]


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=list(CONFIGS))
def model(request: pytest.FixtureRequest) -> Transformer:
    torch.manual_seed(5)
    return Transformer(request.param).eval()


def read(model: Transformer, weights: Weights, source: IntArray) -> dict[str, FloatArray]:
    graph = encoder_graph(model.config, weights)
    return run(make_session(graph.SerializeToString()), {"source": source})


def random_source(n_texts: int, n_tokens: int, pad_id: int) -> IntArray:
    """The first row is full, the others are padded."""
    rng = np.random.default_rng(n_texts * n_tokens)
    source = rng.integers(1, 69, (n_texts, n_tokens))
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    lengths[0] = n_tokens
    return np.where(np.arange(n_tokens) < lengths[:, None], source, pad_id)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_keys_and_values_are_those_of_torch(model: Transformer, shape: tuple[int, int]) -> None:
    source = random_source(*shape, model.config.pad_id)
    with torch.inference_mode():
        expected = model.start(torch.from_numpy(source)).cross
    actual = read(model, Weights.of(model), source)
    assert len(actual) == 1 + 2 * len(expected)
    is_real = source != model.config.pad_id
    assert actual["mask"].tolist() == is_real.astype(int).tolist()
    for i, (keys, values) in enumerate(expected):
        for name, right in (("keys", keys.numpy()), ("values", values.numpy())):
            given = actual[f"cross_{name}.{i}"]
            assert given.shape == right.shape
            seen = np.broadcast_to(is_real[:, None, :, None], right.shape)
            np.testing.assert_allclose(given[seen], right[seen], atol=2e-5)


@pytest.mark.parametrize(
    "precision, tolerance",
    [("fp32", 1e-5), ("int8", 0)],
)
def test_padding_and_batch_mates_change_nothing(
    model: Transformer, precision: Precision, tolerance: float
) -> None:
    roundings = {
        f"{side}.layers.{i}.{layer}": InputQuantization(0.04)
        for side in ("encoder", "decoder")
        for i in range(3)
        for layer in ("self_attn.q_proj", "self_attn.out_proj", "fc1", "fc2")
        if model.config.d_model >= 32  # smaller matrices are not rounded
    }
    pad_id = model.config.pad_id
    source = random_source(6, 24, pad_id)
    weights = Weights.of(model, precision, roundings if precision == "int8" else None)
    batch = read(model, weights, source)
    for row, ids in enumerate(source):
        real = ids[ids != pad_id]
        width = -(-len(real) // 4) * 4  # the runtime pads to multiples of four
        alone = read(
            model, weights, np.pad(real, (0, width - len(real)), constant_values=pad_id)[None]
        )
        for name in alone:
            if name == "mask":
                continue
            given = batch[name][row, :, : len(real)]
            np.testing.assert_allclose(
                given, alone[name][0, :, : len(real)], rtol=0, atol=tolerance
            )


def test_int8_is_close_and_not_the_same(transformer: Transformer) -> None:
    source = random_source(4, 9, 0)
    exact = read(transformer, Weights.of(transformer), source)
    rounded = read(transformer, Weights.of(transformer, "int8"), source)
    worst = max(np.abs(exact[name] - rounded[name])[source[:, 0] > 0].max() for name in exact)
    assert 0 < worst < 0.2


def test_the_same_model_gives_the_same_bytes(transformer: Transformer) -> None:
    once, twice = (
        encoder_graph(transformer.config, Weights.of(transformer, "int8")).SerializeToString()
        for _ in range(2)
    )
    assert once == twice
