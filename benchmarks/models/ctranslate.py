"""Convert our Transformer to CTranslate2's format, by CTranslate2's own converter for Marian's layout.

The weights go into a `transformers.MarianMTModel`, and CTranslate2's loader of that family reads them. Its
subclass for Marian itself takes the last symbol for padding, drops it, and starts from a zero vector. Our
padding symbol is the first, and its vector is not zero, so only the loader one level up preserves the model.
Symbols are our ids, in digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from ctranslate2.converters.converter import Converter
from ctranslate2.converters.transformers import BartLoader
from torch import nn
from transformers import MarianConfig, MarianMTModel

from seqserve.manifest import Precision
from seqserve.models.marian import marian_settings, to_marian
from seqserve.models.transformer import Transformer
from seqserve.text.subwords import SPECIALS

_QUANTIZATION: dict[Precision, str] = {"int8": "int8", "fp32": "float32"}
_MAX_POSITIONS = 1024


def convert(model: Transformer, precision: Precision, directory: Path) -> Path:
    """Write a model for CTranslate2, its weights in a precision, into a directory; return the directory."""
    converter = _TransformerConverter(model)
    converter.convert(str(directory), quantization=_QUANTIZATION[precision])
    return directory


def marian_model(model: Transformer) -> nn.Module:
    """Copy the model into `transformers`' class; the conversion modifies the weights."""
    settings = marian_settings(model.config)
    config = MarianConfig(**settings, max_position_embeddings=_MAX_POSITIONS)
    theirs: Any = MarianMTModel(config)
    theirs.load_state_dict(to_marian(model.state_dict()), strict=False)
    theirs.config.normalize_before = False
    theirs.config.normalize_embedding = False
    made: nn.Module = theirs.eval()
    return made


class _TransformerConverter(Converter):  # type: ignore[misc]
    """CTranslate2's converter, started from our model."""

    def __init__(self, model: Transformer) -> None:
        self._model = model

    def _load(self) -> Any:
        with torch.no_grad():
            spec = BartLoader().get_model_spec(marian_model(self._model))
        config = self._model.config
        symbols = list(map(str, range(config.vocab_size)))
        spec.register_source_vocabulary(symbols)
        spec.register_target_vocabulary(symbols)
        spec.config.bos_token = spec.config.decoder_start_token = symbols[config.pad_id]
        spec.config.eos_token = symbols[config.end_id]
        spec.config.unk_token = symbols[SPECIALS.unknown]
        return spec
