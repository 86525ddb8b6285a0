"""The architectures that a recipe can name, by task: adding one is a file beside this one and a row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import torch
from torch import nn

from seqserve.config import from_mapping
from seqserve.errors import ConfigError
from seqserve.models.averaging import Averaging, AveragingConfig
from seqserve.models.capsule import Capsule, CapsuleConfig
from seqserve.models.classifier import Classifier, ClassifierConfig
from seqserve.models.cnn import CnnClassifier, CnnClassifierConfig, CnnTagger, CnnTaggerConfig
from seqserve.models.cnn_lstm import CnnLstm, CnnLstmConfig
from seqserve.models.recurrent import (
    RecurrentClassifier,
    RecurrentClassifierConfig,
    RecurrentTagger,
    RecurrentTaggerConfig,
)
from seqserve.models.self_attention import SelfAttention, SelfAttentionConfig
from seqserve.models.tagger import Tagger, TaggerConfig
from seqserve.models.transformer import Transformer
from seqserve.models.transformer_config import TransformerConfig
from seqserve.quoting import cut
from seqserve.tasks import Task
from seqserve.text.tags import TagScheme


class Architecture(NamedTuple):
    """How to make an untrained model.

    Args:
        config: A frozen dataclass; its fields without defaults are sizes that the data decide: `n_words`,
            `n_chars`, `n_tags` (ner), `n_words`, `n_labels` (sentiment, classification), `vocab_size`,
            `pad_id`, `end_id` (translation). It need not have all of them.
        build: The config and the labels -> a `CrfTagger`, a `TextClassifier`, or a model with the methods of
            `RowSeq2Seq`.
    """

    config: type[Any]
    build: Callable[[Any, Sequence[str]], nn.Module]

    def config_of(self, settings: dict[str, Any], sizes: dict[str, int], where: str) -> Any:
        """Make the config of a recipe's settings and the sizes that the data decide.

        Raises:
            ConfigError: The settings have a size or an unknown key.
        """
        decided = sorted(sizes.keys() & settings.keys())
        if decided:
            raise ConfigError(f"{where}: the data decide {', '.join(decided)}; leave it out")
        known = {field.name for field in fields(self.config)}
        wanted = {name: size for name, size in sizes.items() if name in known}
        return from_mapping(self.config, {**wanted, **settings}, where)


def _tagger(config: TaggerConfig, labels: Sequence[str]) -> Tagger:
    start, transitions = TagScheme(labels).allowed()
    return Tagger(config, torch.from_numpy(start), torch.from_numpy(transitions))


_CLASSIFIERS = {
    "bilstm": Architecture(ClassifierConfig, lambda config, _: Classifier(config)),
    "recurrent": Architecture(
        RecurrentClassifierConfig, lambda config, _: RecurrentClassifier(config)
    ),
    "cnn": Architecture(CnnClassifierConfig, lambda config, _: CnnClassifier(config)),
    "cnn-lstm": Architecture(CnnLstmConfig, lambda config, _: CnnLstm(config)),
    "self-attention": Architecture(SelfAttentionConfig, lambda config, _: SelfAttention(config)),
    "capsule": Architecture(CapsuleConfig, lambda config, _: Capsule(config)),
    "averaging": Architecture(AveragingConfig, lambda config, _: Averaging(config)),
}

ARCHITECTURES: dict[Task, dict[str, Architecture]] = {
    "ner": {
        "bilstm-crf": Architecture(TaggerConfig, _tagger),
        "recurrent": Architecture(
            RecurrentTaggerConfig, lambda config, labels: RecurrentTagger(config, tuple(labels))
        ),
        "cnn": Architecture(
            CnnTaggerConfig, lambda config, labels: CnnTagger(config, tuple(labels))
        ),
    },
    "sentiment": _CLASSIFIERS,
    "classification": _CLASSIFIERS,
    "translation": {
        "transformer": Architecture(TransformerConfig, lambda config, _: Transformer(config))
    },
}


def find_architecture(task: Task, name: str) -> Architecture:
    """Look up an architecture.

    Raises:
        ConfigError: The task has none of this name.
    """
    known = ARCHITECTURES[task]
    if name not in known:
        raise ConfigError(
            f"{cut(name)!r} is no architecture for {task}; known are {', '.join(known)}"
        )
    return known[name]
