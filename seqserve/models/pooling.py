"""From one vector per token to one vector per text, padding left out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Pooling = Literal["last", "max", "mean", "attention"]


def token_mask(x: Tensor, lengths: Tensor) -> Tensor:
    """Return which positions of padded rows (B, T, D) with lengths (B,) are tokens, (B, T, 1) bool."""
    is_token: Tensor = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
    return is_token[:, :, None]


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Return the maximum over the tokens of x (B, T, D) with mask (B, T, 1), (B, D)."""
    return x.masked_fill(~mask, float("-inf")).amax(1)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the tokens of x (B, T, D) with mask (B, T, 1), (B, D)."""
    mean: Tensor = (x * mask).sum(1) / mask.sum(1)
    return mean


def pooled(
    pooling: Pooling, states: Tensor, last: Tensor, lengths: Tensor, attention: nn.Module | None
) -> Tensor:
    """Pool the states of a recurrent encoder.

    Args:
        pooling: How. `attention` is the mean weighted by a_t = softmax_t(v · h_t + b).
        states: (B, T, D).
        last: (B, D), returned by `last`.
        lengths: (B,).
        attention: (B, T, D) -> scores (B, T, 1), for `attention`.

    Returns:
        (B, D).
    """
    mask = token_mask(states, lengths)
    if pooling == "last":
        return last
    if pooling == "max":
        return masked_max(states, mask)
    if attention is None:
        return masked_mean(states, mask)
    weights = attention(states).masked_fill(~mask, float("-inf")).softmax(1)  # (B, T, 1)
    attended: Tensor = (states * weights).sum(1)
    return attended
