"""From a bundle back to torch: the modules that its weights make, dequantized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import nn

from model_export.exporters.graphs.external import WEIGHTS_FILE
from model_export.exporters.graphs.weights import Weights
from seqserve.bundle import Bundle
from seqserve.config import from_mapping
from seqserve.models.classifier import Classifier, ClassifierConfig
from seqserve.models.tagger import Tagger, TaggerConfig
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.tags import TagScheme

Model = TypeVar("Model", bound=nn.Module)


def restore_tagger(bundle: Bundle) -> Tagger:
    """Return the tagger of a bundle, in eval mode; if its weights are int8, features are within [-1, 1]."""
    config = from_mapping(TaggerConfig, bundle.config["model"], str(bundle.path))
    first, moves = TagScheme(bundle.config["text"]["labels"]).allowed()
    return _filled(bundle, Tagger(config, torch.from_numpy(first), torch.from_numpy(moves)))


def restore_classifier(bundle: Bundle) -> Classifier:
    """Return the classifier of a bundle, in eval mode."""
    config = from_mapping(ClassifierConfig, bundle.config["model"], str(bundle.path))
    return _filled(bundle, Classifier(config))


def restore_translator(bundle: Bundle) -> Transformer:
    """Return the translator of a bundle, in eval mode."""
    config = from_mapping(TransformerConfig, bundle.config["model"], str(bundle.path))
    return _filled(bundle, Transformer(config))


def _filled(bundle: Bundle, model: Model) -> Model:
    weights = Weights.from_bytes(bundle.file(WEIGHTS_FILE).read_bytes()).exact()
    tensors: Mapping[str, torch.Tensor] = {
        name: torch.from_numpy(array.copy()) for name, array in weights.tensors.items()
    }
    model.load_state_dict(dict(tensors))
    return model.eval()
