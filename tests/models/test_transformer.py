from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from seqserve.models.marian import from_marian, marian_settings, to_marian
from seqserve.models.transformer import Transformer, sinusoids
from seqserve.models.transformer_config import TransformerConfig

SHAPES = {
    "small": TransformerConfig(50, d_model=32, heads=4, encoder_layers=2, decoder_layers=1, ffn_dim=64),
    "deep encoder, swish": TransformerConfig(
        70, d_model=48, heads=3, encoder_layers=4, decoder_layers=2, ffn_dim=40, activation="swish"
    ),
}  # fmt: skip
SOURCE = torch.tensor([[5, 6, 7, 9, 1], [8, 1, 0, 0, 0], [3, 4, 1, 0, 0]])
TARGET = torch.tensor([[0, 3, 4, 5, 6, 7], [0, 9, 8, 7, 6, 5], [0, 2, 2, 3, 3, 4]])


def random_model(config: TransformerConfig) -> Transformer:
    torch.manual_seed(3)
    model = Transformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def marian(config: TransformerConfig) -> MarianMTModel:
    torch.manual_seed(4)
    settings = marian_settings(config)
    return MarianMTModel(MarianConfig(**settings, max_position_embeddings=64, init_std=0.3)).eval()


def logits_of(theirs: MarianMTModel) -> torch.Tensor:
    outputs = theirs(
        input_ids=SOURCE, attention_mask=(SOURCE != 0).long(), decoder_input_ids=TARGET
    )
    logits: torch.Tensor = outputs.logits
    return logits


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
@torch.no_grad()
def test_our_weights_in_marian_give_our_logits(config: TransformerConfig) -> None:
    ours, theirs = random_model(config), marian(config)
    report = theirs.load_state_dict(to_marian(ours.state_dict()), strict=False)
    assert not report.unexpected_keys
    assert all("embed_positions" in key for key in report.missing_keys)
    assert (ours(SOURCE, TARGET) - logits_of(theirs)).abs().max() < 1e-4


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
@torch.no_grad()
def test_marian_weights_in_ours_give_marian_logits(config: TransformerConfig) -> None:
    theirs, ours = marian(config), Transformer(config).eval()
    theirs.final_logits_bias.normal_()
    ours.load_state_dict(from_marian(theirs.state_dict()))
    expected = logits_of(theirs)
    assert expected.abs().max() > 1
    assert (ours(SOURCE, TARGET) - expected).abs().max() < 1e-4


def test_names_map_one_to_one_and_back() -> None:
    weights = random_model(SHAPES["small"]).state_dict()
    again = from_marian(to_marian(weights))
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[name], value) for name, value in weights.items())


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
@torch.no_grad()
def test_steps_with_a_cache_give_what_all_at_once_gives(config: TransformerConfig) -> None:
    model = random_model(config)
    state, steps = model.start(SOURCE), []
    for t in range(TARGET.shape[1]):
        logits, state = model.step(TARGET[:, t : t + 1], state)
        steps.append(logits)
    assert (torch.cat(steps, 1) - model(SOURCE, TARGET)).abs().max() < 1e-4


@torch.no_grad()
def test_select_reorders_hypotheses_and_drops_sentences() -> None:
    model = random_model(SHAPES["small"])
    _, state = model.step(TARGET[:, :1], model.start(SOURCE))
    state = state.select(torch.tensor([[0, 0], [1, 1], [2, 2]]))
    pairs = torch.tensor([[3, 4], [5, 6], [7, 8]])
    _, state = model.step(pairs, state)
    swapped = state.select(torch.tensor([[5, 4], [1, 1]]))  # sentence 2 swapped; sentence 0, beam 1
    logits, _ = model.step(torch.tensor([[9, 9], [9, 9]]), swapped)
    for row, (sentence, prefix) in enumerate([(2, [0, 8]), (2, [0, 7]), (0, [0, 4]), (0, [0, 4])]):
        whole = model(SOURCE[sentence, None], torch.tensor([[*prefix, 9]]))[0, -1]
        assert (logits.flatten(0, 1)[row] - whole).abs().max() < 1e-4


@torch.no_grad()
def test_padding_changes_nothing() -> None:
    model = random_model(SHAPES["small"])
    alone = model(SOURCE[1:2, :2], TARGET[1:2])
    assert (model(SOURCE, TARGET)[1:2] - alone).abs().max() < 1e-5


@torch.no_grad()
def test_the_future_is_not_seen() -> None:
    model = random_model(SHAPES["small"])
    changed = TARGET.clone()
    changed[:, 4:] = 11
    before, after = model(SOURCE, TARGET), model(SOURCE, changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.equal(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize(("n_positions", "d_model"), [(7, 8), (300, 32)])
def test_sinusoids_follow_the_formula(n_positions: int, d_model: int) -> None:
    table = sinusoids(n_positions, d_model)
    for position in (0, 1, n_positions - 1):
        for i in range(d_model // 2):
            angle = torch.tensor(position / 10000 ** (2 * i / d_model), dtype=torch.float64)
            assert table[position, i] == pytest.approx(float(angle.sin()), abs=1e-5)
            assert table[position, d_model // 2 + i] == pytest.approx(float(angle.cos()), abs=1e-5)


def test_fresh_model_starts_near_a_uniform_guess() -> None:
    torch.manual_seed(0)
    model = Transformer(TransformerConfig(**{**asdict(SHAPES["small"]), "vocab_size": 500}))
    log_probs = model(SOURCE, TARGET).log_softmax(2)
    assert log_probs.std() < 3
