"""The parts of a bundle by hand-built graphs: the fast path of three architectures."""

from __future__ import annotations

from typing import cast

from model_export.checks.parity import (
    check_classifier,
    check_tagger,
    check_transformer,
    graph_search,
)
from model_export.checks.torch_reference import torch_search, torch_tagger
from model_export.exporters.graphs.classifier import EXACT as CLASSIFIER_EXACT
from model_export.exporters.graphs.classifier import classifier_graph
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.tagger import EXACT as TAGGER_EXACT
from model_export.exporters.graphs.tagger import tagger_graph
from model_export.exporters.graphs.translator import translator_graphs
from model_export.exporters.graphs.weights import Weights
from model_export.int8.calibration import calibrate_translator
from model_export.int8.equalisation import equalised_classifier, equalised_tagger
from model_export.int8.quantization import check_int8_classifier, check_int8_tagger
from model_export.parts.base import Parts
from model_export.parts.classifier import head_of, parts_of_classifier
from seqserve.config import to_mapping
from seqserve.manifest import Precision
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import Tagger
from seqserve.models.transformer import Transformer
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.openers import TAGGER_GRAPH
from seqserve.runtime.sentences import Direction
from seqserve.runtime.translation import TranslationPredictor
from seqserve.training.ner import transitions_of
from seqserve.training.trained import TrainedClassifier, TrainedTagger, TrainedTranslator


def bilstm_crf_parts(trained: TrainedTagger, precision: Precision) -> Parts:
    """Return the parts of a BiLSTM-CRF."""
    text, model = trained.text, cast(Tagger, trained.model)
    equal = equalised_tagger(model, text)
    exact = Weights.of(equal)
    worst = check_tagger(model, text.scheme, tagger_graph(model.config, exact, text.scheme))
    weights = exact
    if precision == "int8":
        steps = {"words.weight": FEATURE_SCALE}
        weights = Weights.of(equal, precision, exact=TAGGER_EXACT, steps=steps)
    graph = tagger_graph(model.config, weights, text.scheme)
    if precision == "int8":
        check_int8_tagger(model, text, graph)
    return Parts(
        graphs={TAGGER_GRAPH: graph},
        weights=weights,
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


def bilstm_parts(trained: TrainedClassifier, precision: Precision) -> Parts:
    """Return the parts of a BiLSTM classifier."""
    text, model = trained.text, cast(Classifier, trained.model)
    equal = equalised_classifier(model)
    exact = Weights.of(equal)
    worst = check_classifier(model, classifier_graph(model.config, exact), len(text.words))
    weights = exact
    if precision == "int8":
        steps = {"words.weight": FEATURE_SCALE}
        weights = Weights.of(equal, precision, exact=CLASSIFIER_EXACT, steps=steps)
    graph = classifier_graph(model.config, weights)
    if precision == "int8":
        check_int8_classifier(model, head_of(trained).probabilities, graph)
    return parts_of_classifier(trained, graph, weights, worst)


def transformer_parts(trained: TrainedTranslator, precision: Precision) -> Parts:
    """Return the parts of a Transformer; for int8, activations are calibrated on the dev sets."""
    tokenizer, model = trained.tokenizer, cast(Transformer, trained.model)
    banned = tokenizer.specials.banned
    weights = Weights.of(model)
    exact_graphs = translator_graphs(model.config, weights, banned)
    worst = check_transformer(model, exact_graphs, tokenizer.specials)
    search = torch_search(model, tokenizer.specials)
    if precision == "int8":
        # Finds what torch finds, in less time.
        search = graph_search(exact_graphs, tokenizer.specials)
        inputs = calibrate_translator(model, tokenizer, trained.dev_sets())
        weights = Weights.of(model, precision, inputs)
    graphs = translator_graphs(model.config, weights, banned)
    return Parts(
        graphs={f"{name}.onnx": graph for name, graph in graphs.items()},
        weights=weights,
        config={"architecture": trained.architecture, "model": to_mapping(model.config)},
        reference=TranslationPredictor(
            [Direction(*trained.languages, tokenizer)], trained.max_tokens, search
        ),
        worst_difference=worst,
        limits={"max_source_tokens": trained.max_tokens},
        files={"tokenizer.json": tokenizer.to_json().encode()},
    )
