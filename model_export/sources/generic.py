"""The parts of a bundle of any architecture: graphs by torch, searches and CRFs outside of them."""

from __future__ import annotations

import torch

from model_export.checks.parity import (
    check_classifier,
    check_emissions,
    check_search,
)
from model_export.checks.torch_reference import torch_classifier, torch_search, torch_tagger
from model_export.exporters.torch_onnx import module_graph, seq2seq_graphs
from model_export.sources.parts import Parts
from seqserve.config import from_mapping, to_mapping
from seqserve.models.classifier import TextClassifier
from seqserve.models.tagger import CrfTagger
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.openers import (
    CLASSIFIER_GRAPH,
    EMISSION_GRAPH,
    ENCODER_GRAPH,
    STEP_GRAPH,
)
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.runtime.session import make_session
from seqserve.runtime.step_search import StepSearch
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.classification import WordTextEncoder
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tagging import WordTokenEncoder
from seqserve.training.ner import transitions_of
from seqserve.training.recipe import Recipe
from seqserve.training.translation import PairConfig, Translator


def generic_tagger_parts(recipe: Recipe, text: WordTokenEncoder, model: CrfTagger) -> Parts:
    """Return the parts of a tagger that torch exports; the CRF runs outside the graph."""
    example = {
        "word_ids": torch.ones((3, 5), dtype=torch.int64),
        "char_ids": torch.ones((3, 5, 7), dtype=torch.int64),
        "lengths": torch.tensor([5, 2, 3]),
    }
    graph = module_graph(model, example, ["emissions"])
    transitions = transitions_of(model)
    worst = check_emissions(model, graph, sizes_of(text))
    return Parts(
        graphs={EMISSION_GRAPH: graph},
        weights=None,
        config={
            "architecture": recipe.architecture,
            "model": to_mapping(model.config),
            "text": text.to_mapping(),
            "transitions": {name: value.tolist() for name, value in vars(transitions).items()},
        },
        reference=NerPredictor(text, torch_tagger(model, text.scheme)),
        worst_difference=worst,
        labels=text.scheme.labels,
        limits={"max_window_tokens": text.config.max_tokens},
    )


def sizes_of(text: WordTokenEncoder) -> tuple[int, int]:
    """Return how many word ids and character ids there are."""
    return len(text.words), len(text.characters)


def generic_classifier_parts(
    recipe: Recipe, text: WordTextEncoder, temperature: float, model: TextClassifier
) -> Parts:
    """Return the parts of a classifier that torch exports."""
    example = {
        "word_ids": torch.ones((3, 5), dtype=torch.int64),
        "lengths": torch.tensor([5, 2, 3]),
    }
    graph = module_graph(model, example, ["logits"])
    return Parts(
        graphs={CLASSIFIER_GRAPH: graph},
        weights=None,
        config={
            "architecture": recipe.architecture,
            "model": to_mapping(model.config),
            "text": text.to_mapping(),
            "temperature": temperature,
        },
        reference=SentimentPredictor(text, temperature, torch_classifier(model)),
        worst_difference=check_classifier(model, graph, len(text.words)),
        labels=text.labels,
    )


def generic_seq2seq_parts(recipe: Recipe, tokenizer: SubwordTokenizer, model: Translator) -> Parts:
    """Return the parts of an encoder-decoder that torch exports; the search runs outside the graphs."""
    encoder, step = seq2seq_graphs(model)
    sessions = [make_session(graph.SerializeToString()) for graph in (encoder, step)]
    search = StepSearch(sessions[0], sessions[1], tokenizer.specials).search
    reference = torch_search(model, tokenizer.specials)
    worst = check_search(search, reference, tokenizer.vocab_size, tokenizer.specials)
    pairs = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")
    source, target = recipe.languages
    return Parts(
        graphs={ENCODER_GRAPH: encoder, STEP_GRAPH: step},
        weights=None,
        config={"architecture": recipe.architecture, "model": to_mapping(model.config)},
        reference=TranslationPredictor(tokenizer, (source, target), pairs.max_tokens, reference),
        worst_difference=worst,
        limits={"max_source_tokens": pairs.max_tokens},
        files={"tokenizer.json": tokenizer.to_json().encode()},
    )
