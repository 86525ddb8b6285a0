"""The same model with every input of its LSTM within [-1, 1], as an int8 LSTM needs (graphs/lstm.py).

Every feature is divided by its own largest value, and the LSTM's weights for it are multiplied by the same
value. The outputs do not change, and one scale fits all features.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from model_export.exporters.graphs.lstm import FEATURE_SCALE
from seqserve.arrays import IntArray
from seqserve.models.bilstm import BiLstm
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import CharacterCnn, Tagger
from seqserve.text.tagging import WordTokenEncoder
from seqserve.text.words import Token

_LARGEST = 127 * FEATURE_SCALE  # the scale of the int8 table
_WORDS_A_TIME = 4096
_CASES: tuple[Callable[[str], str], ...] = (str, str.title, str.upper)


def equalised_tagger(model: Tagger, text: WordTokenEncoder) -> Tagger:
    """Return a copy of the model whose word features are within [-1, 1] for all words.

    The outputs of the character CNN are within [-1, 1] for every word of the vocabulary in lower case, in
    title case and in capitals; for other words they may be slightly larger.
    """
    model = deepcopy(model)
    with torch.no_grad():
        spelled = spelling_bounds(model.characters, text)
        convolution = model.characters.convolution
        convolution.weight /= spelled[:, None, None]
        if convolution.bias is not None:
            convolution.bias /= spelled
        words = _divide(model.words)
        _multiply(model.lstm, torch.cat([words, spelled]))
    return model


def equalised_classifier(model: Classifier) -> Classifier:
    """Return a copy of the model whose embeddings are within [-1, 1]."""
    model = deepcopy(model)
    with torch.no_grad():
        _multiply(model.lstm, _divide(model.words))
    return model


def spelling_bounds(cnn: CharacterCnn, text: WordTokenEncoder) -> Tensor:
    """Return the largest absolute value of every filter, (F,), over the words of the vocabulary."""
    with torch.inference_mode():
        words = torch.from_numpy(spelled_words(text))
        parts = [words[i : i + _WORDS_A_TIME] for i in range(0, len(words), _WORDS_A_TIME)]
        largest = torch.stack([cnn(part).abs().amax(0) for part in parts]).amax(0)
    return _or_one(largest)


def spelled_words(text: WordTokenEncoder) -> IntArray:
    """Return the characters of the vocabulary's words, in three spellings each, (3 * words, C)."""
    forms = [case(word) for case in _CASES for word in text.words.symbols]
    return text.char_ids([Token(form, 0, len(form)) for form in forms])


def _divide(table: nn.Embedding) -> Tensor:
    """Divide every column by its largest value; return the divisors (D,)."""
    largest = _or_one(table.weight.abs().amax(0)) / _LARGEST
    table.weight /= largest
    return largest


def _multiply(lstm: BiLstm, factors: Tensor) -> None:
    for direction in lstm.directions:
        getattr(direction, "weight_ih_l0").mul_(factors)  # noqa: B009


def _or_one(largest: Tensor) -> Tensor:
    return torch.where(largest > 0, largest, 1.0)
