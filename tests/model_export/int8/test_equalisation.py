"""Equalised models compute what they computed, from features within [-1, 1]."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.int8.equalisation import (
    equalised_classifier,
    equalised_tagger,
    spelled_words,
    spelling_bounds,
)
from seqserve.models.classifier import Classifier, ClassifierConfig
from seqserve.models.tagger import Tagger
from seqserve.text.tagging import WordTokenEncoder

LARGEST = 127 * FEATURE_SCALE


def batch(n_words: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, n_words, (7, 12), generator=generator), torch.tensor(
        [12, 1, 2, 7, 12, 3, 5]
    )


def test_a_tagger_emits_what_it_emitted(tagger: Tagger, tagger_text: WordTokenEncoder) -> None:
    words, lengths = batch(60)
    chars = torch.randint(0, 40, (7, 12, 6))
    with torch.inference_mode():
        before = tagger(words, chars, lengths)
        after = equalised_tagger(tagger, tagger_text)(words, chars, lengths)
    for row, n in enumerate(lengths):
        torch.testing.assert_close(after[row, :n], before[row, :n], atol=1e-5, rtol=0)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_classifier_gives_what_it_gave(bidirectional: bool) -> None:
    config = ClassifierConfig(50, 3, word_dim=24, hidden=18, bidirectional=bidirectional)
    model = Classifier(config).eval()
    with torch.inference_mode():
        before, after = model(*batch(50)), equalised_classifier(model)(*batch(50))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


def test_every_word_feature_reaches_the_largest_byte(
    tagger: Tagger, tagger_text: WordTokenEncoder
) -> None:
    table = equalised_tagger(tagger, tagger_text).words.weight
    largest = table.abs().amax(0)
    torch.testing.assert_close(largest, torch.full_like(largest, LARGEST))
    bytes_ = table.detach().numpy() / FEATURE_SCALE
    assert np.abs(np.rint(bytes_)).max() == 127


def test_every_spelling_feature_reaches_one(tagger: Tagger, tagger_text: WordTokenEncoder) -> None:
    model = equalised_tagger(tagger, tagger_text)
    with torch.inference_mode():
        features = model.characters(torch.from_numpy(spelled_words(tagger_text)))
    largest = features.abs().amax(0)
    torch.testing.assert_close(largest, torch.ones_like(largest))


def test_words_are_spelled_in_three_ways(tagger_text: WordTokenEncoder) -> None:
    spelled = spelled_words(tagger_text)
    words = tagger_text.words.symbols
    assert spelled.shape == (3 * len(words), tagger_text.config.max_chars)
    word = next(i for i, w in enumerate(words) if len(w) >= 3)
    lower, title, upper = spelled[word :: len(words)]
    assert (lower[0], upper[0]) != (title[0], lower[0])
    assert title[0] == upper[0] and title[1] == lower[1]


def test_the_trained_model_stays_as_it_is(tagger: Tagger, tagger_text: WordTokenEncoder) -> None:
    before = {name: value.clone() for name, value in tagger.state_dict().items()}
    equalised_tagger(tagger, tagger_text)
    for name, value in tagger.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_feature_that_is_always_zero_stays_zero(
    tagger_text: WordTokenEncoder, tagger: Tagger
) -> None:
    model = equalised_tagger(tagger, tagger_text)
    with torch.no_grad():
        model.words.weight[:, 3] = 0
        model.characters.convolution.weight[5] = 0
        assert model.characters.convolution.bias is not None
        model.characters.convolution.bias[5] = 0
    again = equalised_tagger(model, tagger_text)
    assert all(bool(torch.isfinite(value).all()) for value in again.state_dict().values())
    assert not again.words.weight[:, 3].any()
    assert spelling_bounds(model.characters, tagger_text)[5] == 1
