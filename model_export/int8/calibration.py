"""Static int8 scales for the inputs of a model's layers, calibrated on typical texts.

One scale per layer keeps quantization independent of what else is in a batch. Where a few features are much
larger than the others, all are first multiplied by factors that bring them closer together, and the
weights that read them are divided by these (Xiao et al. 2022, SmoothQuant).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from model_export.exporters.graphs.search import OUTPUT
from model_export.exporters.graphs.weights import InputQuantization
from seqserve.arrays import IntArray
from seqserve.models.transformer import Transformer
from seqserve.text.batching import pad
from seqserve.text.subwords import SubwordTokenizer
from seqserve.training.data import SegmentPair

_SEGMENTS, _BATCH = 500, 50  # per set
_SAMPLE = 200  # vectors a call
_SHARES = np.linspace(0.4, 1, 25)  # of the largest input; larger values are clipped
_RARE = 0.01  # of the largest feature; smaller ones count as if they were as large
_EVENNESS = 0.8  # of features that were multiplied by factors; 1: all equally large
_WORTH_FACTORS = 0.7  # of the error or less is left


@dataclass
class LayerInputs:
    """Samples of the vectors that a group of layers reads.

    Args:
        layers: Their names; all read the same tensor.
        samples: Some of the vectors, (n, D) each.
        largest: (D,), the largest absolute values of all vectors.
    """

    layers: list[str]
    samples: list[Tensor] = field(default_factory=list)
    largest: Tensor = field(default_factory=lambda: torch.zeros(1))


@contextmanager
def watching(modules: Mapping[str, nn.Module]) -> Iterator[list[LayerInputs]]:
    """Sample the inputs of modules; those that were called with the same tensor form one group."""
    seen: list[LayerInputs] = []
    last: dict[str, Tensor] = {}  # references, so that no two tensors get the same address
    generator = torch.Generator().manual_seed(0)

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            (x,) = inputs
            last[name] = x
            mine = next((group for group in seen if name in group.layers), None)
            if mine is None:
                mine = next((group for group in seen if last[group.layers[0]] is x), None)
                if mine is None:
                    mine = LayerInputs([])
                    seen.append(mine)
                mine.layers.append(name)
            if name == mine.layers[0]:
                rows = x.detach().flatten(0, -2)
                chosen = torch.randperm(len(rows), generator=generator)[:_SAMPLE]
                mine.samples.append(rows[chosen].float())
                mine.largest = torch.maximum(mine.largest, rows.abs().amax(0).float())

        return look

    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in modules.items()]
    try:
        with torch.inference_mode():
            yield seen
    finally:
        for hook in hooks:
            hook.remove()


def best_quantization(
    inputs: Tensor, largest: Tensor, weight: Tensor, *, with_factors: bool = True
) -> InputQuantization:
    """Choose the quantization of a layer's inputs that changes its outputs least.

    Args:
        inputs: (n, D), typical inputs of the layer.
        largest: (D,), the largest absolute values of its inputs.
        weight: (N, D).
        with_factors: Whether features may be multiplied, which costs an operator; done if the error
            becomes much smaller.
    """
    weight = weight.detach().float()
    error, scale = _least_error(inputs, largest, weight)
    if with_factors:
        factors = _not_tiny(weight.abs().amax(0)) ** (1 - _EVENNESS)
        factors = factors / _not_tiny(largest) ** _EVENNESS
        factors = factors / factors.mean()
        even = _least_error(inputs * factors, largest * factors, weight / factors)
        if even[0] <= _WORTH_FACTORS * error:
            return InputQuantization(even[1], factors.numpy())
    return InputQuantization(scale)


def _not_tiny(values: Tensor) -> Tensor:
    return values.clamp(min=float(values.max()) * _RARE or 1.0)


def _least_error(inputs: Tensor, largest: Tensor, weight: Tensor) -> tuple[float, float]:
    """Return the least squared error of the outputs, and its int8 scale."""
    gram = weight.T @ weight
    is_unsigned = bool((inputs >= 0).all())
    best = (np.inf, 1.0)
    for share in _SHARES:
        scale = (float(largest.max()) or 1.0) * float(share) / 127
        step, low, high = (scale * 127 / 255, 0, 255) if is_unsigned else (scale, -128, 127)
        error = (inputs / step).round().clamp(low, high) * step - inputs
        best = min(best, (float(((error @ gram) * error).sum()), scale))
    return best


def calibrate_translator(
    model: Transformer, tokenizer: SubwordTokenizer, sets: Iterable[Sequence[SegmentPair]]
) -> dict[str, InputQuantization]:
    """Calibrate a translator on the beginnings of sets of pairs, references included."""
    pairs = [pair for pairs in sets for pair in pairs[:_SEGMENTS]]
    batches = []
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        source, _ = pad(tokenizer.encode_all([pair.source for pair in batch]))
        written = tokenizer.encode_all([pair.target for pair in batch])
        target, _ = pad([[model.config.pad_id, *ids[:-1]] for ids in written])
        batches.append((source, target))
    return calibrate(model, batches)


def calibrate(
    model: Transformer, batches: Iterable[tuple[IntArray, IntArray]]
) -> dict[str, InputQuantization]:
    """Choose the quantization of all layers, the output's among them.

    Args:
        model: In eval mode.
        batches: Source ids (B, S) and decoder input ids (B, U).
    """
    ends = nn.Identity()  # in place of the output layer, which is no module
    score = model.logits
    linears = {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    model.logits = lambda x: score(ends(x))  # type: ignore[method-assign]
    try:
        with watching({**linears, OUTPUT: ends}) as seen:
            for source, target in batches:
                model(torch.from_numpy(source), torch.from_numpy(target))
    finally:
        model.logits = score  # type: ignore[method-assign]
    quantizations: dict[str, InputQuantization] = {}
    for group in seen:
        # The output's weights are the embeddings as well, so no factor may divide them.
        is_output = OUTPUT in group.layers
        weights = [linears[name].weight for name in group.layers if name in linears]
        quantization = best_quantization(
            torch.cat(group.samples),
            group.largest,
            torch.cat(weights or [model.shared.weight]),
            with_factors=not is_output,
        )
        quantizations |= dict.fromkeys(group.layers, quantization)
    return quantizations
