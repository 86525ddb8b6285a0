"""From a finished run to the parts of a bundle, one function per task.

Each loads the best weights of the run, builds the graphs, holds them against torch, and gives beside the
files a predictor that runs the torch model: what the bundle must reproduce.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import torch

from model_export.checks.parity import (
    check_classifier,
    check_tagger,
    check_transformer,
    graph_search,
)
from model_export.checks.torch_reference import torch_classifier, torch_search, torch_tagger
from model_export.exporters.graphs.classifier import EXACT as CLASSIFIER_EXACT
from model_export.exporters.graphs.classifier import classifier_graph
from model_export.exporters.graphs.encoder import encoder_graph
from model_export.exporters.graphs.external import WEIGHTS_FILE, refer
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.search import beam_graph, greedy_graph
from model_export.exporters.graphs.tagger import EXACT as TAGGER_EXACT
from model_export.exporters.graphs.tagger import tagger_graph
from model_export.exporters.graphs.weights import Weights
from model_export.int8.calibration import calibrate_translator
from model_export.int8.equalisation import equalised_classifier, equalised_tagger
from model_export.int8.quantization import check_int8_classifier, check_int8_tagger
from seqserve.config import from_mapping, to_mapping
from seqserve.manifest import Precision
from seqserve.models.transformer import TransformerConfig
from seqserve.runtime.engine import Predictor
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.runtime.translation import BANNED_IDS, TranslationPredictor
from seqserve.tasks import Task
from seqserve.text.classification import WordTextEncoder
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tagging import WordTokenEncoder
from seqserve.training.checkpoint import load_preprocessor, load_weights
from seqserve.training.ner import make_tagger
from seqserve.training.recipe import Recipe
from seqserve.training.sentiment import (
    SentimentTask,
    fit_temperature,
    make_classifier,
    read_dev,
    sentiment_config,
)
from seqserve.training.translation import PairConfig, make_translator


@dataclass(frozen=True)
class Parts:
    """What a task puts into a bundle.

    Args:
        graphs: By file name, with all their tensors.
        weights: The tensors that the graphs share; they refer to its file in the bundle.
        config: What becomes config.json.
        reference: The torch model, or graphs that equal it, behind the same preprocessor.
        worst_difference: Largest difference between torch and the fp32 graphs on random inputs.
        labels: What the model can answer.
        limits: Largest inputs.
        files: What else there is, by file name.
    """

    graphs: dict[str, onnx.ModelProto]
    weights: Weights
    config: dict[str, Any]
    reference: Predictor
    worst_difference: float
    labels: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def to_files(self) -> dict[str, bytes]:
        """Return the bundle's files, those that describe it aside."""
        weights = self.weights.to_bytes()
        graphs = {name: refer(graph, weights) for name, graph in self.graphs.items()}
        return {**graphs, WEIGHTS_FILE: weights, **self.files}


def ner_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Return the parts of a tagger bundle."""
    path = run / "text.json"
    text = WordTokenEncoder.from_mapping(load_preprocessor(path), str(path))
    model = make_tagger(recipe, text)
    load_weights(model, run / "best.safetensors")
    model.eval()
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
        graphs={"tagger.onnx": graph},
        weights=weights,
        config={"model": to_mapping(model.config), "text": text.to_mapping()},
        reference=NerPredictor(text, torch_tagger(model, text.scheme)),
        worst_difference=worst,
        labels=text.scheme.labels,
        limits={"max_window_tokens": text.config.max_tokens},
    )


def sentiment_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Return the parts of a classifier bundle; its temperature is fitted on the recipe's dev sets."""
    path = run / "text.json"
    text = WordTextEncoder.from_mapping(load_preprocessor(path), str(path))
    model = make_classifier(recipe, text)
    load_weights(model, run / "best.safetensors")
    model.eval()
    with torch.inference_mode():
        config, dev = sentiment_config(recipe), read_dev(recipe, root)
        task = SentimentTask(model, text, [], dev, config, recipe.loop.batch_tokens)
        held_out = task.dev_logits()
    temperature = fit_temperature(*held_out)
    equal = equalised_classifier(model)
    exact = Weights.of(equal)
    worst = check_classifier(model, classifier_graph(model.config, exact))
    weights = exact
    if precision == "int8":
        steps = {"words.weight": FEATURE_SCALE}
        weights = Weights.of(equal, precision, exact=CLASSIFIER_EXACT, steps=steps)
    graph = classifier_graph(model.config, weights)
    if precision == "int8":
        check_int8_classifier(model, temperature, graph)
    return Parts(
        graphs={"classifier.onnx": graph},
        weights=weights,
        config={
            "model": to_mapping(model.config),
            "text": text.to_mapping(),
            "temperature": temperature,
        },
        reference=SentimentPredictor(text, temperature, torch_classifier(model)),
        worst_difference=worst,
        labels=text.labels,
    )


def translation_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Return the parts of a translator bundle; for int8, activations are calibrated on the dev sets."""
    tokenizer = SubwordTokenizer.load(run / "tokenizer.json")
    model = make_translator(recipe, tokenizer)
    load_weights(model, run / "best.safetensors")
    model.eval()
    weights = Weights.of(model)
    exact_graphs = translator_graphs(model.config, weights)
    worst = check_transformer(model, exact_graphs)
    search = torch_search(model)
    if precision == "int8":
        search = graph_search(model.config, exact_graphs)  # finds what torch finds, in less time
        weights = Weights.of(model, precision, calibrate_translator(model, recipe, tokenizer, root))
    pairs = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")
    source, target = recipe.languages
    graphs = translator_graphs(model.config, weights)
    return Parts(
        graphs={f"{name}.onnx": graph for name, graph in graphs.items()},
        weights=weights,
        config={"model": to_mapping(model.config)},
        reference=TranslationPredictor(tokenizer, (source, target), pairs.max_tokens, search),
        worst_difference=worst,
        limits={"max_source_tokens": pairs.max_tokens},
        files={"tokenizer.json": tokenizer.to_json().encode()},
    )


def translator_graphs(config: TransformerConfig, weights: Weights) -> dict[str, onnx.ModelProto]:
    """Return the three graphs of a translator by name."""
    return {
        "encoder": encoder_graph(config, weights),
        "greedy": greedy_graph(config, weights, BANNED_IDS),
        "beam": beam_graph(config, weights, BANNED_IDS),
    }


PARTS: dict[Task, Callable[[Recipe, Path, Path, Precision], Parts]] = {
    "ner": ner_parts,
    "sentiment": sentiment_parts,
    "translation": translation_parts,
}
