"""Small seeded models: wide enough that int8 applies to their matrices."""

from __future__ import annotations

import string

import pytest
import torch

from seqserve.models.classifier import Classifier, ClassifierConfig
from seqserve.models.tagger import Tagger, TaggerConfig
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.tagging import WordTokenEncoder, WordTokenEncoderConfig
from seqserve.text.vocabulary import Vocabulary


@pytest.fixture(scope="session")
def tagger_text() -> WordTokenEncoder:
    """58 words of 38 characters, four labels."""
    letters = string.ascii_letters[:36] + "-."
    words = [letters[i % 26] + letters[i % 17] * (i % 5) + letters[i // 26] for i in range(58)]
    labels = ["PER", "LOC", "ORG", "MISC"]
    config = WordTokenEncoderConfig(max_chars=6)
    return WordTokenEncoder(config, labels, Vocabulary(words), Vocabulary(letters))


@pytest.fixture(scope="session")
def tagger(tagger_text: WordTokenEncoder) -> Tagger:
    torch.manual_seed(1)
    config = TaggerConfig(60, 40, 9, word_dim=24, char_dim=10, char_filters=12, hidden=20)
    model = Tagger(config, *map(torch.from_numpy, tagger_text.scheme.allowed()))
    torch.nn.init.normal_(model.crf.moves)  # as if it had learnt something
    return model.eval()


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    torch.manual_seed(6)
    return Classifier(ClassifierConfig(50, 3, word_dim=24, hidden=18)).eval()


@pytest.fixture(scope="session")
def transformer() -> Transformer:
    torch.manual_seed(2)
    config = TransformerConfig(70, 32, 4, encoder_layers=2, decoder_layers=2, ffn_dim=48)
    return Transformer(config).eval()
