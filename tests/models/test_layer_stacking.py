from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor

from seqserve.errors import ConfigError
from seqserve.models.layer_stacking import deepen_encoder
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig

SOURCE = torch.tensor([[5, 6, 7, 0], [8, 9, 10, 11]])
TARGET = torch.tensor([[0, 12, 13], [0, 14, 15]])


def transformer(encoder_layers: int) -> Transformer:
    torch.manual_seed(3)
    model = Transformer(
        TransformerConfig(
            vocab_size=40, d_model=16, heads=2, ffn_dim=24, encoder_layers=encoder_layers
        )
    )
    return model.eval()


def grown(model: Transformer, n_layers: int) -> Transformer:
    deeper = transformer(n_layers)
    deeper.load_state_dict(deepen_encoder(model.state_dict(), n_layers))
    return deeper


def disturbed(model: Transformer, parameters: Iterable[tuple[str, Tensor]]) -> Transformer:
    """Move the norms away from their initial values, as training does."""
    with torch.no_grad():
        for name, parameter in parameters:
            if "layer_norm" in name:
                parameter.mul_(1.5).add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("n_layers", [3, 4, 6])
@torch.no_grad()
def test_a_deeper_model_begins_with_nearly_the_same_answers(n_layers: int) -> None:
    model = transformer(2)
    disturbed(model, model.encoder.named_parameters())
    before = model(SOURCE, TARGET).log_softmax(2)
    deeper = grown(model, n_layers)
    distance = (deeper(SOURCE, TARGET).log_softmax(2) - before).abs().mean()
    for layer in deeper.encoder_layers:
        if not layer.fc2.weight.any():  # a new one, with initial norms
            for norm in (layer.self_attn_layer_norm, layer.final_layer_norm):
                norm.weight.fill_(1.0)
                norm.bias.zero_()
    plain = (deeper(SOURCE, TARGET).log_softmax(2) - before).abs().mean()
    assert distance < 0.5 * plain


@torch.no_grad()
def test_as_many_layers_stay_as_they_are() -> None:
    model = transformer(2)
    assert torch.equal(grown(model, 2)(SOURCE, TARGET), model(SOURCE, TARGET))


@torch.no_grad()
def test_copies_stand_behind_their_layer_and_add_nothing() -> None:
    model = transformer(2)
    layers = grown(model, 4).encoder_layers
    for new, old in ((0, 0), (2, 1)):
        assert torch.equal(layers[new].fc2.weight, model.encoder_layers[old].fc2.weight)
        assert torch.equal(layers[new + 1].fc1.weight, model.encoder_layers[old].fc1.weight)
        assert not layers[new + 1].fc2.weight.any()
        assert not layers[new + 1].self_attn.out_proj.weight.any()


def test_new_layers_learn() -> None:
    deeper = grown(transformer(1), 2)
    deeper(SOURCE, TARGET).square().mean().backward()
    new = deeper.encoder_layers[1]
    assert new.fc2.weight.grad is not None and new.fc2.weight.grad.abs().max() > 0
    assert new.self_attn.out_proj.weight.grad is not None
    assert new.self_attn.out_proj.weight.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("weights", "n_layers"), [(transformer(3).state_dict(), 2), ({}, 2)], ids=["fewer", "none"]
)
def test_it_cannot_shrink_or_come_from_nothing(weights: dict[str, Tensor], n_layers: int) -> None:
    with pytest.raises(ConfigError, match="cannot become 2"):
        deepen_encoder(weights, n_layers)
