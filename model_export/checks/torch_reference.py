"""Torch models behind the interfaces of the runtime: the reference that graphs are compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from seqserve.arrays import FloatArray
from seqserve.decode.crf import TagPaths, tag_paths
from seqserve.decode.search import SearchOptions, SearchVocabulary, beam_search
from seqserve.models.classifier import TextClassifier
from seqserve.models.tagger import CrfTagger
from seqserve.runtime.ner import TaggerModel
from seqserve.runtime.search_request import SearchRequest
from seqserve.runtime.text_logits import ClassifierModel
from seqserve.text.batching import length_batches, pad
from seqserve.text.protocols import Inputs, SpecialIds
from seqserve.text.tags import TagScheme
from seqserve.training.decoding import TorchTranslator, Translator
from seqserve.training.ner import transitions_of

_MAX_BATCH_TOKENS = 2048  # padded source tokens x beam size


def torch_tagger(model: CrfTagger, scheme: TagScheme) -> TaggerModel:
    """Return a tagger: emissions by torch, the CRF in numpy."""

    def paths(inputs: Inputs) -> TagPaths:
        emissions = forward(model, inputs)
        return tag_paths(emissions, inputs["lengths"], transitions_of(model), scheme.inside_tags())

    return paths


def torch_classifier(model: TextClassifier) -> ClassifierModel:
    """Return a classifier: logits by torch."""
    return partial(forward, model)


def forward(model: nn.Module, inputs: Inputs) -> FloatArray:
    """Run a model on named inputs, which are the parameters of its `forward`."""
    with torch.inference_mode():
        tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
        outputs: FloatArray = model(**tensors).numpy()
    return outputs


def torch_search(
    model: Translator, specials: SpecialIds
) -> Callable[[Sequence[SearchRequest]], None]:
    """Return a search: log-probabilities by torch, the beam search of `seqserve.decode`."""
    translator = TorchTranslator(model, specials.banned)
    vocabulary = SearchVocabulary(specials.pad, specials.end, specials.banned)

    def search(sentences: Sequence[SearchRequest]) -> None:
        groups: dict[SearchOptions, list[SearchRequest]] = defaultdict(list)
        for sentence in sentences:
            groups[sentence.options].append(sentence)
        for options, group in groups.items():
            lengths = [len(sentence.ids) for sentence in group]
            for batch in length_batches(lengths, max(1, _MAX_BATCH_TOKENS // options.beam_size)):
                members = [group[i] for i in batch]
                source, _ = pad([sentence.ids for sentence in members], specials.pad)
                limits = np.array([sentence.max_tokens for sentence in members], dtype=np.int64)
                state = translator.start(source)
                found = beam_search(translator.step, state, vocabulary, limits, options)
                for sentence, hypotheses in zip(members, found, strict=True):
                    sentence.finish(hypotheses)

    return search
