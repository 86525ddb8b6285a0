"""A deeper Transformer out of a trained one, to continue training where that one stopped.

A new layer follows the layer that it is copied from. What it adds is zero at first, and its norms
restore the output of the norm before them, so that the deeper model begins with nearly the same answers.

Source: Gong et al. 2019, "Efficient Training of BERT by Progressively Stacking"; Wu et al. 2024, "LLaMA Pro",
section 3 (new blocks that add nothing at first).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from seqserve.errors import ConfigError

_ADDED = ("self_attn.out_proj.", "fc2.")
_NORMS = ("self_attn_layer_norm.", "final_layer_norm.")
_ENCODER = "encoder.layers."


def deepen_encoder(weights: Mapping[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """Spread the encoder layers of a trained Transformer over more layers.

    Args:
        weights: All weights of a `Transformer`.
        n_layers: Encoder layers wanted, at least as many as there are.

    Returns:
        The weights of the deeper model.

    Raises:
        ConfigError: The trained model has no encoder layer, or more than are wanted.
    """
    grown = {name: value for name, value in weights.items() if not name.startswith(_ENCODER)}
    n_trained = 1 + max((_layer(name) for name in weights if name.startswith(_ENCODER)), default=-1)
    if not 0 < n_trained <= n_layers:
        raise ConfigError(
            f"{n_trained} encoder layers cannot become {n_layers}: take as many or more"
        )
    for new in range(n_layers):
        old = new * n_trained // n_layers
        is_copy = new > 0 and (new - 1) * n_trained // n_layers == old
        prefix = f"{_ENCODER}{old}."
        layer = {n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)}
        layer = _identity(layer) if is_copy else layer
        grown |= {f"{_ENCODER}{new}.{name}": value for name, value in layer.items()}
    return grown


def _layer(name: str) -> int:
    return int(name.removeprefix(_ENCODER).partition(".")[0])


def _identity(layer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy of a layer that changes nothing when it comes next."""
    gain, bias = layer["final_layer_norm.weight"], layer["final_layer_norm.bias"]
    spread = (gain.square().mean() + bias.var(correction=0)).sqrt()
    identity = {}
    for name, value in layer.items():
        if name.startswith(_ADDED):
            identity[name] = torch.zeros_like(value)
        elif name.startswith(_NORMS):
            constant = spread if name.endswith("weight") else bias.mean()
            identity[name] = constant.expand_as(value).clone()
        else:
            identity[name] = value.clone()
    return identity
