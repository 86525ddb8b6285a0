"""Small seeded models: wide enough that int8 applies to their matrices."""

from __future__ import annotations

import pytest
import torch

from seqserve.models.tagger import Tagger, TaggerConfig
from seqserve.models.transformer import Transformer, TransformerConfig


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    torch.manual_seed(1)
    config = TaggerConfig(60, 40, 9, word_dim=24, char_dim=10, char_filters=12, hidden=20)
    model = Tagger(config, torch.ones(9, dtype=torch.bool), torch.ones(9, 9, dtype=torch.bool))
    return model.eval()


@pytest.fixture(scope="session")
def transformer() -> Transformer:
    torch.manual_seed(2)
    config = TransformerConfig(70, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=48)
    return Transformer(config).eval()
