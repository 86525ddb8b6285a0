"""Calibration: the rounding that hurts least, who shares it, and the model as it was before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model_export.exporters.graphs.search import OUTPUT
from model_export.exporters.graphs.weights import InputQuantization, quantize_rows
from model_export.int8.calibration import best_quantization, calibrate_translator, watching
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.subwords import SubwordTokenizer
from seqserve.training.data import read_pairs
from tests.tiny import TinyProject

WIDTH, N_ROWS = 24, 400
GENERATOR = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(16, WIDTH, generator=GENERATOR)
INPUTS = torch.randn(N_ROWS, WIDTH, generator=GENERATOR)


def largest(inputs: Tensor) -> Tensor:
    return inputs.abs().amax(0)


def output_error(inputs: Tensor, rounding: InputQuantization) -> float:
    """Mean squared change of outputs when weights and inputs are bytes, as the graphs round them."""
    factors = np.float32(1) if rounding.factors is None else rounding.factors
    weight, scales = quantize_rows(WEIGHT.numpy() / factors)
    is_unsigned = bool((inputs >= 0).all())
    low, high = (0, 255) if is_unsigned else (-128, 127)
    step = rounding.scale * 127 / 255 if is_unsigned else rounding.scale
    x = np.clip(np.rint(inputs.numpy() * factors / step), low, high) * step
    error = x @ (weight * scales).T - (inputs @ WEIGHT.T).numpy()
    return float((error**2).mean())


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(INPUTS, id="signed"),
        pytest.param(INPUTS.relu(), id="never negative"),
        pytest.param(torch.where(torch.rand(INPUTS.shape) < 0.999, INPUTS, 20), id="outliers"),
    ],
)
def test_no_other_scale_is_much_better(inputs: Tensor) -> None:
    chosen = best_quantization(inputs, largest(inputs), WEIGHT, with_factors=False)
    assert chosen.factors is None
    error = output_error(inputs, chosen)
    others = [InputQuantization(chosen.scale * ratio) for ratio in (0.5, 0.7, 0.85, 1.2, 1.5, 2.0)]
    assert error <= 1.02 * min(output_error(inputs, other) for other in others)


def test_features_much_larger_than_the_others_are_evened_out() -> None:
    uneven = INPUTS.clone()
    uneven[:, :2] *= 30
    without = best_quantization(uneven, largest(uneven), WEIGHT, with_factors=False)
    chosen = best_quantization(uneven, largest(uneven), WEIGHT)
    assert chosen.factors is not None
    assert chosen.factors.dtype == np.float32
    assert chosen.factors[:2].max() < 0.2 * chosen.factors[2:].min()
    assert output_error(uneven, chosen) < 0.5 * output_error(uneven, without)


def test_features_that_are_alike_are_left_alone() -> None:
    assert best_quantization(INPUTS, largest(INPUTS), WEIGHT).factors is None


@pytest.mark.parametrize("inputs", [torch.zeros(3, WIDTH), INPUTS * (torch.arange(WIDTH) > 0)])
def test_features_that_are_always_zero_do_no_harm(inputs: Tensor) -> None:
    rounding = best_quantization(inputs, largest(inputs), WEIGHT)
    assert np.isfinite(rounding.scale) and rounding.scale > 0
    assert rounding.factors is None or np.isfinite(rounding.factors).all()


def test_who_reads_one_tensor_is_seen_together() -> None:
    modules = {name: nn.Linear(2, 2) for name in ("left", "right", "other", "unused")}
    first, second = torch.ones(3, 2), torch.zeros(1, 1, 2)
    with watching(modules) as seen:
        for x in (first, second):
            modules["left"](x)
            modules["right"](x)
            modules["other"](x.clone())
    assert [group.layers for group in seen] == [["left", "right"], ["other"]]
    assert [part.tolist() for part in seen[0].samples] == [[[1, 1]] * 3, [[0, 0]]]
    assert seen[0].largest.tolist() == [1, 1]


def test_nobody_watches_after_an_error() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="no more data"), watching({"layer": layer}):
        raise RuntimeError("no more data")
    assert not layer._forward_pre_hooks


def test_every_layer_of_a_translator_is_watched_and_nothing_stays_changed(
    tiny: TinyProject,
) -> None:
    recipe = tiny.recipes["translation"]
    pairs = read_pairs(tiny.data, recipe.data.dev[0], "dev", recipe.languages)
    tokenizer = SubwordTokenizer.load(tiny.made["translation"].file("tokenizer.json"))
    torch.manual_seed(0)
    config = TransformerConfig(400, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=64)
    model = Transformer(config).eval()
    ids = torch.tensor([[5, 6, 1]])
    before = model(ids, ids)
    roundings = calibrate_translator(model, tokenizer, [pairs])
    linears = {name for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    assert roundings.keys() == linears | {OUTPUT}
    # a normalised vector of 32 numbers: some are over 1, none over the square root of 32
    assert 1 / 127 < roundings[OUTPUT].scale < 32**0.5 / 127
    assert roundings[OUTPUT].factors is None
    readers = [f"decoder.layers.{i}.encoder_attn.{which}_proj" for i in (0, 1) for which in "kv"]
    assert (
        len({id(roundings[name]) for name in readers}) == 1
    )  # all of them read the encoder's output
    assert torch.equal(model(ids, ids), before)
    assert not any(part._forward_pre_hooks for part in model.modules())
