"""Torch models behind the interfaces of the runtime: the reference that graphs are compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.crf import TagPaths, tag_paths
from seqserve.decode.search import SearchOptions, SearchVocabulary, beam_search
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import Tagger
from seqserve.models.transformer import Transformer
from seqserve.runtime.ner import TaggerModel
from seqserve.runtime.sentiment import ClassifierModel
from seqserve.runtime.transformer_search import Sentence
from seqserve.runtime.translation import BANNED_IDS
from seqserve.text.batching import length_batches, pad
from seqserve.text.tags import TagScheme
from seqserve.training.ner import transitions_of
from seqserve.training.translation import TorchTranslator

_MAX_BATCH_TOKENS = 2048  # padded source tokens x beam size


def torch_tagger(model: Tagger, scheme: TagScheme) -> TaggerModel:
    """Torch's emissions, and the CRF in numpy."""

    def paths(words: IntArray, chars: IntArray, lengths: IntArray) -> TagPaths:
        with torch.inference_mode():
            inputs = map(torch.from_numpy, (words, chars, lengths))
            emissions: FloatArray = model(*inputs).numpy()
        return tag_paths(emissions, lengths, transitions_of(model), scheme.inside_tags())

    return paths


def torch_classifier(model: Classifier) -> ClassifierModel:
    """Torch's logits."""

    def logits(words: IntArray, lengths: IntArray) -> FloatArray:
        with torch.inference_mode():
            array: FloatArray = model(torch.from_numpy(words), torch.from_numpy(lengths)).numpy()
        return array

    return logits


def torch_search(model: Transformer) -> Callable[[Sequence[Sentence]], None]:
    """Torch's log-probabilities, and the search of `seqserve.decode`."""
    translator = TorchTranslator(model, BANNED_IDS)
    config = model.config
    vocabulary = SearchVocabulary(config.pad_id, config.end_id, BANNED_IDS)

    def search(sentences: Sequence[Sentence]) -> None:
        groups: dict[SearchOptions, list[Sentence]] = defaultdict(list)
        for sentence in sentences:
            groups[sentence.options].append(sentence)
        for options, group in groups.items():
            lengths = [len(sentence.ids) for sentence in group]
            for batch in length_batches(lengths, max(1, _MAX_BATCH_TOKENS // options.beam_size)):
                members = [group[i] for i in batch]
                source, _ = pad([sentence.ids for sentence in members], config.pad_id)
                limits = np.array([sentence.max_tokens for sentence in members], dtype=np.int64)
                state = translator.start(source)
                found = beam_search(translator.step, state, vocabulary, limits, options)
                for sentence, hypotheses in zip(members, found, strict=True):
                    sentence.finish(hypotheses)

    return search
