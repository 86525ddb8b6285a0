"""Encoder-decoders whose decoder state is plain tensors, one row per hypothesis.

Such a model is trained, exported and searched without code of its own. The Transformer is none of them: it
keeps the source's keys and values once per sentence, not once per hypothesis.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class RowState:
    """The decoder's tensors: the first axis of each is (B * W)."""

    tensors: tuple[Tensor, ...]

    def select(self, rows: Tensor) -> RowState:
        """Keep and reorder hypotheses by their flattened rows (B', W')."""
        flat = rows.flatten()
        return RowState(tuple(tensor[flat] for tensor in self.tensors))


class RowSeq2Seq(nn.Module, ABC):
    """Source ids to decoder states, one token a step."""

    config: Any

    @abstractmethod
    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Score every next token at once, for training.

        Args:
            source: (B, S) ids, padded.
            target: (B, U) ids that the decoder reads: padding first, then the sequence shifted right.

        Returns:
            (B, U, V) logits.
        """

    @abstractmethod
    def encode(self, source: Tensor) -> tuple[Tensor, ...]:
        """Return the first state of source ids (B, S): tensors with B rows."""

    @abstractmethod
    def decode(self, tokens: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return logits (N, V) after the last tokens (N,), then the tensors of the next state."""

    def start(self, source: Tensor) -> RowState:
        """Return the state before the first step, one hypothesis per sentence."""
        return RowState(self.encode(source))

    def step(self, tokens: Tensor, state: RowState) -> tuple[Tensor, RowState]:
        """Extend every hypothesis by one token: (B, W) -> logits (B, W, V), and the next state."""
        logits, *tensors = self.decode(tokens.flatten(), state.tensors)
        return logits.view(*tokens.shape, -1), RowState(tuple(tensors))
