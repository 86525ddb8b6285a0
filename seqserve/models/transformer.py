"""Encoder-decoder Transformer for translation, with Marian's weight layout.

Post-norm layers, sinusoidal positions, one embedding matrix for source, target and output. Module
names are those of `transformers.MarianMTModel`, so checkpoints go either way (marian.py).
Knows nothing about tokenizers or searching: it maps ids to logits.

Source: Vaswani et al. 2017; Junczys-Dowmunt et al. 2018 (Marian).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqserve.models.transformer_config import TransformerConfig

Layer = TypeVar("Layer", bound=nn.Module)


def sinusoids(n_positions: int, d_model: int) -> Tensor:
    """Return the position vectors.

    Returns:
        (n_positions, D) float32: sines in the first half, cosines of the same frequencies in the second.
    """
    frequencies = 10000.0 ** (-2 * torch.arange((d_model + 1) // 2, dtype=torch.float64) / d_model)
    angles = torch.arange(n_positions, dtype=torch.float64)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()[:, : d_model // 2]], dim=1).float()


class Attention(nn.Module):
    """Multi-head scaled dot-product attention."""

    def __init__(self, d_model: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def split(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, H, T, D/H)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def keys_values(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what can be attended to: keys and values of x (B, T, D), each (B, H, T, D/H)."""
        return self.split(self.k_proj(x)), self.split(self.v_proj(x))

    def forward(
        self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """Attend.

        Args:
            x: (B, T, D) who asks.
            keys: (B, H, S, D/H).
            values: (B, H, S, D/H).
            mask: (B or 1, 1, 1 or T, S) bool, True where attending is allowed; None: everywhere.

        Returns:
            (B, T, D).
        """
        queries = self.split(self.q_proj(x)) * keys.shape[3] ** -0.5
        scores = queries @ keys.transpose(2, 3)  # (B, H, T, S)
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        mixed = scores.softmax(3).to(values.dtype) @ values
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


class Block(nn.Module):
    """What encoder and decoder layers share: the feed-forward half and its names."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.activation = F.relu if config.activation == "relu" else F.silu
        self.self_attn = Attention(config.d_model, config.heads)
        self.self_attn_layer_norm = nn.LayerNorm(config.d_model)
        self.fc1 = nn.Linear(config.d_model, config.ffn_dim)
        self.fc2 = nn.Linear(config.ffn_dim, config.d_model)
        self.final_layer_norm = nn.LayerNorm(config.d_model)

    def feed_forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D), residual and norm included."""
        inner = self.dropout(self.fc2(self.activation(self.fc1(x))))
        out: Tensor = self.final_layer_norm(x + inner)
        return out


class EncoderLayer(Block):
    """Self-attention, then feed-forward."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return (B, S, D) of x (B, S, D) and mask (B, 1, 1, S)."""
        attended = self.self_attn(x, *self.self_attn.keys_values(x), mask)
        return self.feed_forward(self.self_attn_layer_norm(x + self.dropout(attended)))


class DecoderLayer(Block):
    """Self-attention over the target so far, attention to the source, then feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.encoder_attn = Attention(config.d_model, config.heads)
        self.encoder_attn_layer_norm = nn.LayerNorm(config.d_model)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        """All target positions at once: x (B, U, D), memory (B, S, D), mask (B, 1, 1, S)."""
        causal = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        attended = self.self_attn(x, *self.self_attn.keys_values(x), causal[None, None])
        x = self.self_attn_layer_norm(x + self.dropout(attended))
        return self.after_self_attention(x, *self.encoder_attn.keys_values(memory), mask)

    def after_self_attention(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention to the source and feed-forward; x (B, U, D), keys and values (B, H, S, D/H)."""
        x = self.encoder_attn_layer_norm(x + self.dropout(self.encoder_attn(x, keys, values, mask)))
        return self.feed_forward(x)


class Stack(nn.Module, Generic[Layer]):
    """Layers in a row, under the name that Marian uses for them."""

    def __init__(self, layers: Iterable[Layer]) -> None:
        """Take the layers, first to last."""
        super().__init__()
        self.in_order = tuple(layers)
        self.layers = nn.ModuleList(self.in_order)


@dataclass(frozen=True)
class DecoderState:
    """What the decoder keeps between steps, for B sentences with W hypotheses each.

    Args:
        cross: Per layer, keys and values of the source, (B, H, S, D/H); computed once.
        mask: (B, 1, 1, S) bool, True on real source tokens.
        past: Per layer, keys and values of the target so far, (B*W, H, U, D/H).
    """

    cross: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor
    past: tuple[tuple[Tensor, Tensor], ...]

    def select(self, rows: Tensor) -> DecoderState:
        """Keep and reorder hypotheses.

        Args:
            rows: (B', W') indices into the flattened B*W rows; an output row's entries share a sentence.
        """
        old_width = self.past[0][0].shape[0] // self.mask.shape[0]
        sentences = rows[:, 0] // old_width
        flat = rows.flatten()
        return DecoderState(
            tuple((k[sentences], v[sentences]) for k, v in self.cross),
            self.mask[sentences],
            tuple((k[flat], v[flat]) for k, v in self.past),
        )


class Transformer(nn.Module):
    """Source ids and target ids in, logits of the next target id out."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.vocab_size, config.d_model, config.pad_id)
        self.encoder = Stack(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = Stack(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.output_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.dropout = nn.Dropout(config.dropout)
        self._initialise()

    def _initialise(self) -> None:
        nn.init.normal_(self.shared.weight, std=self.config.d_model**-0.5)
        with torch.no_grad():
            self.shared.weight[self.config.pad_id].zero_()
        for parameter_name, parameter in self.named_parameters():
            if parameter_name.endswith("_proj.weight") or ".fc" in parameter_name:
                if parameter.dim() > 1:
                    nn.init.xavier_uniform_(parameter)
                else:
                    nn.init.zeros_(parameter)

    @property
    def encoder_layers(self) -> tuple[EncoderLayer, ...]:
        """The layers that read the source, first to last."""
        return self.encoder.in_order

    @property
    def decoder_layers(self) -> tuple[DecoderLayer, ...]:
        """The layers that write the target, first to last."""
        return self.decoder.in_order

    def embed(self, ids: Tensor, first_position: int = 0) -> Tensor:
        """(B, T) ids at positions first_position.. -> (B, T, D)."""
        width = self.config.d_model
        positions = sinusoids(first_position + ids.shape[1], width)[first_position:]
        embedded: Tensor = self.dropout(
            self.shared(ids) * math.sqrt(width) + positions.to(ids.device)
        )
        return embedded

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Read the source.

        Args:
            source: (B, S) ids, padded with `pad_id`.

        Returns:
            (B, S, D) memory and its (B, 1, 1, S) mask.
        """
        mask = (source != self.config.pad_id)[:, None, None]
        x = self.embed(source)
        for layer in self.encoder_layers:
            x = layer(x, mask)
        return x, mask

    def logits(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., V)."""
        return F.linear(x, self.shared.weight, self.output_bias)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Score every next token at once, for training.

        Args:
            source: (B, S) ids, padded with `pad_id`.
            target: (B, U) ids that the decoder sees: `pad_id` first, then the sequence shifted right.

        Returns:
            (B, U, V) logits of the id that follows each position.
        """
        memory, mask = self.encode(source)
        x = self.embed(target)
        for layer in self.decoder_layers:
            x = layer(x, memory, mask)
        return self.logits(x)

    def start(self, source: Tensor) -> DecoderState:
        """Encode the source (B, S) and return the state before the first step, one hypothesis each."""
        memory, mask = self.encode(source)
        cross = tuple(layer.encoder_attn.keys_values(memory) for layer in self.decoder_layers)
        empty = memory.new_zeros(
            source.shape[0], self.config.heads, 0, self.config.d_model // self.config.heads
        )
        return DecoderState(cross, mask, tuple((empty, empty) for _ in cross))

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Extend every hypothesis by one token.

        Args:
            tokens: (B, W) the last id of each; `pad_id` at the first step.
            state: The result of `start`, `step` or `select`.

        Returns:
            (B, W, V) logits of the next id, and the state that has seen `tokens`.
        """
        n_sentences, width = tokens.shape
        x = self.embed(tokens.reshape(-1, 1), state.past[0][0].shape[2])  # (B*W, 1, D)
        past = []
        layers = zip(self.decoder_layers, state.past, state.cross, strict=True)
        for layer, (past_keys, past_values), (cross_keys, cross_values) in layers:
            new_keys, new_values = layer.self_attn.keys_values(x)
            keys = torch.cat([past_keys, new_keys], 2)  # (B*W, H, U, D/H)
            values = torch.cat([past_values, new_values], 2)
            past.append((keys, values))
            x = layer.self_attn_layer_norm(x + layer.self_attn(x, keys, values))
            x = x.view(n_sentences, width, -1)  # hypotheses of a sentence ask its source together
            x = layer.after_self_attention(x, cross_keys, cross_values, state.mask)
            x = x.view(n_sentences * width, 1, -1)
        next_state = DecoderState(state.cross, state.mask, tuple(past))
        return self.logits(x).view(n_sentences, width, -1), next_state
