"""Capsule network with dynamic routing: vectors that vote for labels, and votes that agree count more.

u_i: the features of a convolution at token t, cut into vectors ("capsules"); û_{j|i} = W_j u_i is the vote of
capsule i for label j, with W shared by all tokens. From b_ij = 0, a few times:
c_ij = leaky-softmax_j(b_ij), s_j = sum_i c_ij û_{j|i}, v_j = |s_j|^2 / (1 + |s_j|^2) · s_j / |s_j|,
b_ij = b_ij + û_{j|i} · v_j. The leaky softmax has one more entry, 0, for capsules that belong to no label.

|v_j| is the probability that label j is present. Its logit is log |s_j|^2, since |v| / (1 - |v|) = |s|^2: with
these logits, the cross-entropy of all classifiers stands for the margin loss of the paper.

Source: Zhao et al. 2018, "Investigating Capsule Networks with Dynamic Routing for Text Classification", section
2; Sabour et al. 2017 (routing, squashing).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqserve.config import refuse_below_one
from seqserve.models.classifier import WordClassifier, WordClassifierConfig
from seqserve.models.cnn import TokenConvolution
from seqserve.models.pooling import token_mask

_EPSILON = 1e-6


@dataclass(frozen=True)
class CapsuleConfig(WordClassifierConfig):
    """Shape of the network.

    Args:
        width: Words that a filter of the convolution sees.
        capsules: Capsules at each token.
        capsule_dim: Width of a capsule.
        label_dim: Width of the capsule of a label.
        routing_steps: Iterations of the routing.
    """

    width: int = 3
    capsules: int = 16
    capsule_dim: int = 8
    label_dim: int = 16
    routing_steps: int = 3

    def __post_init__(self) -> None:
        """Raises ConfigError: a count is below 1."""
        counts = ("width", "capsules", "capsule_dim", "label_dim", "routing_steps")
        refuse_below_one(self, counts, "[model]")


class Capsule(WordClassifier):
    """A convolution, capsules at every token, routing to one capsule per label, the lengths of these."""

    def __init__(self, config: CapsuleConfig) -> None:
        super().__init__(config)
        self.sizes = config.capsules, config.capsule_dim
        self.routing_steps = config.routing_steps
        self.convolution = TokenConvolution(
            config.word_dim, config.capsules * config.capsule_dim, config.width
        )
        shape = config.n_labels, config.capsule_dim, config.label_dim
        self.votes = nn.Parameter(torch.randn(shape) * config.capsule_dim**-0.5)

    def classify(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `TextClassifier`; the encoder's vector is the logits, which no dropout may change."""
        return self.encode(x, lengths)

    def encode(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits (B, L)."""
        mask = token_mask(x, lengths)
        capsules = squash((self.convolution(x, mask) * mask).unflatten(2, self.sizes))
        votes = torch.einsum("btcd,lde->btcle", capsules, self.votes).flatten(1, 2)  # (B, N, L, E)
        return route(votes, self.routing_steps).square().sum(2).add(_EPSILON).log()


def squash(s: Tensor) -> Tensor:
    """Shrink vectors (..., D) to a length below 1; their direction stays."""
    squared = s.square().sum(-1, keepdim=True)
    return s * squared / ((1 + squared) * (squared + _EPSILON).sqrt())


def route(votes: Tensor, steps: int) -> Tensor:
    """Return s (B, L, E) of the votes û (B, N, L, E); a vote of 0 has no effect."""
    logits = votes.new_zeros(votes.shape[:3])  # (B, N, L)
    for step in range(steps):
        coupling = torch.cat([torch.zeros_like(logits[:, :, :1]), logits], 2).softmax(2)[:, :, 1:]
        s = (coupling[..., None] * votes).sum(1)
        if step < steps - 1:
            logits = logits + (votes * squash(s)[:, None]).sum(3)
    return s
