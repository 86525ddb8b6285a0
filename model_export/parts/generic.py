"""The parts of a bundle of any architecture: graphs by torch, searches and CRFs outside of them."""

from __future__ import annotations

import torch

from model_export.checks.parity import (
    check_classifier,
    check_emissions,
    check_search,
)
from model_export.checks.torch_reference import torch_search, torch_tagger
from model_export.exporters.torch_onnx import module_graph, seq2seq_graphs
from model_export.parts.base import Parts
from model_export.parts.classifier import parts_of_classifier
from seqserve.config import to_mapping
from seqserve.manifest import Precision
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.openers import (
    EMISSION_GRAPH,
    ENCODER_GRAPH,
    STEP_GRAPH,
)
from seqserve.runtime.sentences import Direction
from seqserve.runtime.session import make_session
from seqserve.runtime.step_search import StepSearch
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.tagging import WordTokenEncoder
from seqserve.training.ner import transitions_of
from seqserve.training.trained import TrainedClassifier, TrainedTagger, TrainedTranslator


def tagger_parts(trained: TrainedTagger, precision: Precision) -> Parts:
    """Return the parts of a tagger that torch exports; the CRF runs outside the graph."""
    text, model = trained.text, trained.model
    example = {
        "word_ids": torch.ones((3, 5), dtype=torch.int64),
        "char_ids": torch.ones((3, 5, 7), dtype=torch.int64),
        "lengths": torch.tensor([5, 2, 3]),
    }
    graph = module_graph(model, example, ["emissions"])
    worst = check_emissions(model, graph, sizes_of(text))
    return Parts(
        graphs={EMISSION_GRAPH: graph},
        weights=None,
        config={
            "architecture": trained.architecture,
            "model": to_mapping(model.config),
            "text": text.to_mapping(),
            "transitions": transitions_of(model).to_mapping(),
        },
        reference=NerPredictor(text, torch_tagger(model, text.scheme)),
        worst_difference=worst,
        labels=text.scheme.labels,
        limits={"max_window_tokens": text.config.max_tokens},
    )


def sizes_of(text: WordTokenEncoder) -> tuple[int, int]:
    """Return how many word ids and character ids there are."""
    return len(text.words), len(text.characters)


def classifier_parts(trained: TrainedClassifier, precision: Precision) -> Parts:
    """Return the parts of a classifier that torch exports."""
    example = {
        "word_ids": torch.ones((3, 5), dtype=torch.int64),
        "lengths": torch.tensor([5, 2, 3]),
    }
    graph = module_graph(trained.model, example, ["logits"])
    worst = check_classifier(trained.model, graph, len(trained.text.words))
    return parts_of_classifier(trained, graph, None, worst)


def seq2seq_parts(trained: TrainedTranslator, precision: Precision) -> Parts:
    """Return the parts of an encoder-decoder that torch exports; the search runs outside the graphs."""
    tokenizer, model = trained.tokenizer, trained.model
    encoder, step = seq2seq_graphs(model)
    sessions = [make_session(graph.SerializeToString()) for graph in (encoder, step)]
    search = StepSearch(sessions[0], sessions[1], tokenizer.specials).search
    reference = torch_search(model, tokenizer.specials)
    worst = check_search(search, reference, tokenizer.vocab_size, tokenizer.specials)
    return Parts(
        graphs={ENCODER_GRAPH: encoder, STEP_GRAPH: step},
        weights=None,
        config={"architecture": trained.architecture, "model": to_mapping(model.config)},
        reference=TranslationPredictor(
            [Direction(*trained.languages, tokenizer)], trained.max_tokens, reference
        ),
        worst_difference=worst,
        limits={"max_source_tokens": trained.max_tokens},
        files={"tokenizer.json": tokenizer.to_json().encode()},
    )
