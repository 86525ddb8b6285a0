"""What the translator's graphs are made of: one method per block; encoder and decoder share them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from model_export.exporters.graphs.builder import MICROSOFT, GraphBuilder
from model_export.exporters.graphs.layers import layer_norm, linear, linear_of_relu
from seqserve.models.transformer_config import TransformerConfig

KeysValues = tuple[str, str]
MAX_POSITIONS = 1024
MASKED = -1e4  # added to an attention score; its exponential is exactly 0


@dataclass(frozen=True)
class Blocks:
    """Writes the parts of a Transformer into a graph.

    Args:
        g: The graph, or the body of its loop.
        config: Shape of the model.
    """

    g: GraphBuilder
    config: TransformerConfig

    def embed(self, ids: str, positions: str) -> str:
        """Look up ids (B, T) and add position vectors (T or 1, D), giving (B, T, D)."""
        table = self.g.weight("shared.weight")
        return self.g.op("Add", self.g.rows(table, ids, math.sqrt(self.config.d_model)), positions)

    def position_vectors(self, positions: str) -> str:
        """Return the sinusoids (T, D) of positions (T,) int64, each below `MAX_POSITIONS`.

        Their table is said in operators on constants: computed once while loading, not kept in the file.
        """
        g, width = self.g.root, self.config.d_model
        frequencies = 10000.0 ** (-2 * np.arange((width + 1) // 2) / width)
        is_cosine = np.arange(width) >= len(frequencies)  # a sine a quarter turn on
        numbers = (g.constant(np.float64(n)) for n in (0, MAX_POSITIONS, 1))
        turns = g.once("Unsqueeze", g.once("Range", *numbers), g.ints(1))
        angles = g.once("Mul", turns, g.constant(np.resize(frequencies, width)))
        shifted = g.once("Add", angles, g.constant(is_cosine * (np.pi / 2)))
        table = g.once("Cast", g.once("Sin", shifted), to=TensorProto.FLOAT)
        return self.g.op("Gather", table, positions)

    def encoder_layer(self, name: str, x: str, mask: str) -> str:
        """Read on: x (B, S, D), mask (B, S) int32, 0 on padding -> (B, S, D)."""
        queries, keys, values = self.split(self.project(x, f"{name}.self_attn", "qkv"), 3)
        mixed = self.attend(queries, (keys, values), mask=mask)
        x = self.add_projected(x, mixed, f"{name}.self_attn")
        return self.feed_forward(name, x)

    def decoder_layer(
        self, name: str, x: str, past: KeysValues, cross: KeysValues, masks: tuple[str, str]
    ) -> tuple[str, KeysValues]:
        """Extend W hypotheses of each sentence by one token.

        Args:
            name: Of the layer's tensors.
            x: (B, W, D).
            past: Keys and values (B, H, P, D/H) of all tokens of a sentence's hypotheses so far.
            cross: Keys and values (B, H, S, D/H) of the source.
            masks: What to add to scores of the past, (B, 1, W, P + W), empty: all may be seen; and
                which source tokens are real, (B, S) int32.

        Returns:
            (B, W, D), and the keys and values (B, H, P + W, D/H) with the new tokens.
        """
        tree, mask = masks
        queries, keys, values = self.split(self.project(x, f"{name}.self_attn", "qkv"), 3)
        mixed, *extended = self.g.ops(
            "MultiHeadAttention",
            *(queries, keys, values, "", "", tree, *past),
            n_outputs=3,
            domain=MICROSOFT,
            num_heads=self.config.heads,
        )
        x = self.add_projected(x, mixed, f"{name}.self_attn")
        mixed = self.attend(self.project(x, f"{name}.encoder_attn", "q"), cross, mask=mask)
        x = self.add_projected(x, mixed, f"{name}.encoder_attn")
        return self.feed_forward(name, x), (extended[0], extended[1])

    def project(self, x: str, name: str, which: str) -> str:
        """Apply some of an attention's projections, such as "qkv", in one go: (..., D) -> (..., n * D)."""
        return linear(self.g, x, *(f"{name}.{letter}_proj" for letter in which))

    def split(self, x: str, n: int) -> list[str]:
        """(..., n * D) -> n values (..., D)."""
        return self.g.ops("Split", x, n_outputs=n, num_outputs=n, axis=-1)

    def heads(self, x: str) -> str:
        """(B, S, D) -> (B, H, S, D/H)."""
        width = self.config.d_model // self.config.heads
        split = self.g.op("Reshape", x, self.g.ints(0, 0, self.config.heads, width))
        return self.g.op("Transpose", split, perm=[0, 2, 1, 3])

    def attend(self, queries: str, keys_values: KeysValues, mask: str) -> str:
        """Scaled dot-product attention.

        Args:
            queries: (B, T, D).
            keys_values: Each (B, S, D), or (B, H, S, D/H).
            mask: (B, S) int32, 0 where nothing is to be seen.

        Returns:
            (B, T, D), heads side by side.
        """
        return self.g.op(
            "MultiHeadAttention",
            *(queries, *keys_values, "", mask),
            domain=MICROSOFT,
            num_heads=self.config.heads,
        )

    def add_projected(self, x: str, mixed: str, name: str) -> str:
        """Project what x (..., D) attended to, add it to x and normalise."""
        return self.add_norm(x, linear(self.g, mixed, f"{name}.out_proj"), f"{name}_layer_norm")

    def feed_forward(self, name: str, x: str) -> str:
        """(..., D) -> (..., D), residual and norm included."""
        inner = linear(self.g, x, f"{name}.fc1")
        if self.config.activation == "relu":
            outer = linear_of_relu(self.g, inner, f"{name}.fc2")
        else:
            active = self.g.op("QuickGelu", inner, domain=MICROSOFT, alpha=1.0)  # x * sigmoid(x)
            outer = linear(self.g, active, f"{name}.fc2")
        return self.add_norm(x, outer, f"{name}.final_layer_norm")

    def add_norm(self, x: str, update: str, name: str) -> str:
        """Add and normalise; two operators, for the fused one is slower on CPUs."""
        return layer_norm(self.g, self.g.op("Add", x, update), name)
