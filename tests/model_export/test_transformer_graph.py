"""The translation graphs against torch: reading, steps of many hypotheses, any length."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_export.transformer_graph import decoder_step_graph, encoder_graph
from seqserve.arrays import FloatArray, IntArray
from seqserve.manifest import Precision
from seqserve.models.transformer import Transformer, TransformerConfig
from seqserve.runtime.session import make_session
from seqserve.runtime.translation import OnnxTranslator
from seqserve.training.translation import TorchTranslator

SHAPES = [(1, 1), (1, 9), (5, 1), (7, 33), (2, 300)]
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


def translator(model: Transformer, precision: Precision = "fp32") -> OnnxTranslator:
    graphs = encoder_graph(model, precision), decoder_step_graph(model, precision)
    return OnnxTranslator(*(make_session(graph.SerializeToString()) for graph in graphs))


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=CONFIGS)
def sides(request: pytest.FixtureRequest) -> tuple[Transformer, OnnxTranslator]:
    torch.manual_seed(5)
    model = Transformer(request.param).eval()
    return model, translator(model)


def random_source(n_texts: int, n_tokens: int, pad_id: int) -> IntArray:
    rng = np.random.default_rng(n_texts * n_tokens)
    source = rng.integers(1, 69, (n_texts, n_tokens))
    lengths = rng.integers(1, n_tokens + 1, n_texts)
    return np.where(np.arange(n_tokens) < lengths[:, None], source, pad_id)


def log_probs_of(model: OnnxTranslator, source: IntArray, target: IntArray) -> FloatArray:
    """Feed hypotheses (B, W, U) token by token -> (B, W, U, V)."""
    n_texts, n_beams, _ = target.shape
    state = model.start(source).select(np.repeat(np.arange(n_texts)[:, None], n_beams, axis=1))
    steps = []
    for tokens in np.moveaxis(target, 2, 0):
        log_probs, state = model.step(tokens, state)
        steps.append(log_probs)
    return np.stack(steps, axis=2)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_encoder_gives_the_keys_and_values_of_torch(
    sides: tuple[Transformer, OnnxTranslator], shape: tuple[int, int]
) -> None:
    model, graphs = sides
    source = random_source(*shape, model.config.pad_id)
    expected = TorchTranslator(model).start(source).state.cross
    actual = graphs.start(source).cross
    assert len(actual) == 2 * len(expected)
    for i, (keys, values) in enumerate(expected):
        np.testing.assert_allclose(actual[f"cross_keys.{i}"], keys.numpy(), atol=1e-5)
        np.testing.assert_allclose(actual[f"cross_values.{i}"], values.numpy(), atol=1e-5)


@pytest.mark.parametrize("n_beams", [1, 4])
@pytest.mark.parametrize("shape", [(1, 1), (3, 9)])
def test_steps_give_what_the_whole_target_gives_at_once(
    sides: tuple[Transformer, OnnxTranslator], shape: tuple[int, int], n_beams: int
) -> None:
    model, graphs = sides
    source = random_source(*shape, model.config.pad_id)
    target = np.random.default_rng(n_beams).integers(0, 70, (shape[0], n_beams, 5))
    actual = log_probs_of(graphs, source, target)
    for beam in range(n_beams):
        with torch.inference_mode():
            logits = model(torch.from_numpy(source), torch.from_numpy(target[:, beam]))
        expected = logits.log_softmax(2).numpy()
        np.testing.assert_allclose(actual[:, beam], expected, atol=1e-5)


def test_log_probs_are_those_of_a_distribution(transformer: Transformer) -> None:
    source = random_source(3, 7, 0)
    log_probs = log_probs_of(translator(transformer), source, np.zeros((3, 2, 1), np.int64))
    np.testing.assert_allclose(np.exp(log_probs).sum(-1), 1, atol=1e-5)


def test_reordered_hypotheses_take_their_past_along(transformer: Transformer) -> None:
    graphs = translator(transformer)
    source = random_source(2, 6, 0)
    target = np.random.default_rng(0).integers(0, 70, (2, 3, 4))
    order = np.array([[2, 0, 0], [1, 1, 2]])
    state = graphs.start(source).select(np.array([[0, 0, 0], [1, 1, 1]]))
    for tokens in np.moveaxis(target[:, :, :3], 2, 0):
        _, state = graphs.step(tokens, state)
    state = state.select(order + np.array([[0], [3]]))
    reordered = np.take_along_axis(target, order[:, :, None], axis=1)
    after, _ = graphs.step(reordered[:, :, 3], state)
    expected = log_probs_of(graphs, source, reordered)[:, :, 3]
    np.testing.assert_allclose(after, expected, atol=1e-6)


def test_a_batch_gives_what_singles_give(transformer: Transformer) -> None:
    graphs = translator(transformer)
    source = random_source(6, 13, 0)
    target = np.random.default_rng(0).integers(0, 70, (6, 2, 3))
    batch = log_probs_of(graphs, source, target)
    for i, row in enumerate(source):
        alone = row[row != 0][None]
        single = log_probs_of(graphs, alone, target[i : i + 1])
        np.testing.assert_allclose(batch[i : i + 1], single, atol=2e-6)


def test_positions_go_on_beyond_any_table(transformer: Transformer) -> None:
    source = random_source(1, 3000, 0)
    source[0] = np.arange(3000) % 69 + 1
    expected = TorchTranslator(transformer).start(source).state.cross[0][0].numpy()
    actual = translator(transformer).start(source).cross["cross_keys.0"]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_int8_is_smaller_and_close(transformer: Transformer) -> None:
    for build in (encoder_graph, decoder_step_graph):
        assert build(transformer, "int8").ByteSize() < 0.6 * build(transformer).ByteSize()
    source = random_source(4, 9, 0)
    target = np.random.default_rng(0).integers(0, 70, (4, 2, 4))
    expected = log_probs_of(translator(transformer), source, target)
    rounded = log_probs_of(translator(transformer, "int8"), source, target)
    assert 0 < np.abs(rounded - expected).max() < 0.1


def test_the_output_shares_the_embedding(transformer: Transformer) -> None:
    weights = decoder_step_graph(transformer).graph.initializer
    assert sum(list(w.dims) == [70, 32] for w in weights) == 1


def test_the_same_model_gives_the_same_bytes(transformer: Transformer) -> None:
    for build in (encoder_graph, decoder_step_graph):
        once, twice = (build(transformer, "int8").SerializeToString() for _ in range(2))
        assert once == twice
