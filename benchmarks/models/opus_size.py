"""Our translator beside CTranslate2 at the size of OPUS-MT: 6 + 6 layers, width 512, random weights.

An imported OPUS-MT checkpoint runs through the same graphs. With random weights nearly every search ends at
its limit, twice the source length plus 10 tokens: sides take equally many steps, and more than for real text.

Source: Tiedemann and Thottingal 2020 (OPUS-MT); the sizes are those of `Helsinki-NLP/opus-mt-en-de`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.models.sides import Sides, write_translator
from benchmarks.models.size import Size
from benchmarks.models.translation import TranslationResult, cells_of, measure_cells, n_sources
from benchmarks.tools.tasks import TRANSLATION
from benchmarks.tools.workspace import Report, Workspace
from seqserve.manifest import Precision
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.subwords import SPECIALS

OPUS_MT = TransformerConfig(
    vocab_size=58101,
    d_model=512,
    heads=8,
    encoder_layers=6,
    decoder_layers=6,
    ffn_dim=2048,
    activation="swish",
    pad_id=SPECIALS.pad,
    end_id=SPECIALS.end,
)
SOURCE_TOKENS = (8, 20)
"""Fewest and most tokens of a source, the end symbol included."""


def measure_opus_size(
    space: Workspace, size: Size, report: Report, config: TransformerConfig = OPUS_MT
) -> TranslationResult:
    """Compare the times of both translators in int8 on one core, with random weights.

    A search takes ten times as long as with the shipped model, so there are fewer texts and tried settings.
    """
    size = replace(
        size,
        batch_texts=max(1, size.batch_texts // 4),
        tuning_texts=max(1, size.tuning_texts // 4),
        environments=size.environments[:2],
    )
    sides: dict[Precision, Sides] = {"int8": random_sides(space, config)}
    sources = draw_sources(n_sources(size), config.vocab_size, space.seed)
    return measure_cells(cells_of(size, sides, 1), sides, sources, size, report)


def random_sides(space: Workspace, config: TransformerConfig) -> Sides:
    """Write both models in int8, with the same random weights."""
    import torch

    from benchmarks.models.ctranslate import convert
    from seqserve.models.transformer import Transformer

    torch.manual_seed(space.seed)
    model = Transformer(replace(config, dropout=0.0)).eval()
    bundle = space.bundle(TRANSLATION)
    ours = write_translator(model, bundle, "int8", space.scratch / "opus-size-ours")
    return Sides(ours, convert(model, "int8", space.scratch / "opus-size-peer"))


def draw_sources(n: int, n_ids: int, seed: int) -> list[list[int]]:
    """Draw sources of random ids and lengths, each with the end symbol."""
    rng = np.random.default_rng(seed)
    fewest, most = SOURCE_TOKENS
    first = max(SPECIALS.banned) + 1
    lengths = rng.integers(fewest, most + 1, n)
    return [[*rng.integers(first, n_ids, length - 1).tolist(), SPECIALS.end] for length in lengths]
