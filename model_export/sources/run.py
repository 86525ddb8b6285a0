"""From a finished run to the parts of a bundle, one function per task.

Each loads the best weights of the run, exports the graphs, compares them with torch, and returns beside the
files a predictor that runs the torch model: the reference for the bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import cast

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
from model_export.exporters.graphs.lstm import FEATURE_SCALE
from model_export.exporters.graphs.search import beam_graph, greedy_graph
from model_export.exporters.graphs.tagger import EXACT as TAGGER_EXACT
from model_export.exporters.graphs.tagger import tagger_graph
from model_export.exporters.graphs.weights import Weights
from model_export.int8.calibration import calibrate_translator
from model_export.int8.equalisation import equalised_classifier, equalised_tagger
from model_export.int8.quantization import check_int8_classifier, check_int8_tagger
from model_export.sources.generic import (
    generic_classifier_parts,
    generic_seq2seq_parts,
    generic_tagger_parts,
)
from model_export.sources.parts import Parts
from seqserve.config import from_mapping, to_mapping
from seqserve.errors import ExportError
from seqserve.manifest import Precision
from seqserve.models.classifier import Classifier
from seqserve.models.tagger import Tagger
from seqserve.models.transformer import Transformer, TransformerConfig
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.runtime.translation import TranslationPredictor
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

FAST_PATHS: dict[tuple[Task, str], str] = {
    ("ner", "bilstm-crf"): "2.8 to 3.5 times as fast as torch with the CRF",
    ("sentiment", "bilstm"): "2.5 to 3.3 times as fast as torch",
    ("translation", "transformer"): "0.86 to 1.04 times as fast as CTranslate2 in int8",
}
"""Architectures with hand-built graphs, and what justifies them: docs/benchmarks.md, batches of 1 to 32.

All are int8 with the same numbers in every batch, which no exporter offers.
"""


def _is_fast(recipe: Recipe, precision: Precision) -> bool:
    """Return whether the architecture has a hand-built exporter.

    Raises:
        ExportError: It has none, and the precision needs one.
    """
    if (recipe.task, recipe.architecture) in FAST_PATHS:
        return True
    if precision != "fp32":
        raise ExportError(f"{recipe.name}: a {recipe.architecture} can be exported in fp32 only")
    return False


def ner_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Return the parts of a tagger bundle."""
    path = run / "text.json"
    text = WordTokenEncoder.from_mapping(load_preprocessor(path), str(path))
    model = make_tagger(recipe, text)
    load_weights(model, run / "best.safetensors")
    model.eval()
    if not _is_fast(recipe, precision):
        return generic_tagger_parts(recipe, text, model)
    tagger = cast(Tagger, model)
    equal = equalised_tagger(tagger, text)
    exact = Weights.of(equal)
    worst = check_tagger(tagger, text.scheme, tagger_graph(model.config, exact, text.scheme))
    weights = exact
    if precision == "int8":
        steps = {"words.weight": FEATURE_SCALE}
        weights = Weights.of(equal, precision, exact=TAGGER_EXACT, steps=steps)
    graph = tagger_graph(model.config, weights, text.scheme)
    if precision == "int8":
        check_int8_tagger(tagger, text, graph)
    return Parts(
        graphs={"tagger.onnx": graph},
        weights=weights,
        config={
            "architecture": recipe.architecture,
            "model": to_mapping(model.config),
            "text": text.to_mapping(),
        },
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
    if not _is_fast(recipe, precision):
        return generic_classifier_parts(recipe, text, temperature, model)
    model = cast(Classifier, model)
    equal = equalised_classifier(model)
    exact = Weights.of(equal)
    worst = check_classifier(model, classifier_graph(model.config, exact), len(text.words))
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
            "architecture": recipe.architecture,
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
    if not _is_fast(recipe, precision):
        return generic_seq2seq_parts(recipe, tokenizer, model)
    model = cast(Transformer, model)
    banned = tokenizer.specials.banned
    weights = Weights.of(model)
    exact_graphs = translator_graphs(model.config, weights, banned)
    worst = check_transformer(model, exact_graphs, tokenizer.specials)
    search = torch_search(model, tokenizer.specials)
    if precision == "int8":
        search = graph_search(
            exact_graphs, tokenizer.specials
        )  # finds what torch finds, in less time
        weights = Weights.of(model, precision, calibrate_translator(model, recipe, tokenizer, root))
    pairs = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")
    source, target = recipe.languages
    graphs = translator_graphs(model.config, weights, banned)
    return Parts(
        graphs={f"{name}.onnx": graph for name, graph in graphs.items()},
        weights=weights,
        config={"architecture": recipe.architecture, "model": to_mapping(model.config)},
        reference=TranslationPredictor(tokenizer, (source, target), pairs.max_tokens, search),
        worst_difference=worst,
        limits={"max_source_tokens": pairs.max_tokens},
        files={"tokenizer.json": tokenizer.to_json().encode()},
    )


def translator_graphs(
    config: TransformerConfig, weights: Weights, banned_ids: Collection[int]
) -> dict[str, onnx.ModelProto]:
    """Return the three graphs of a translator by name."""
    return {
        "encoder": encoder_graph(config, weights),
        "greedy": greedy_graph(config, weights, banned_ids),
        "beam": beam_graph(config, weights, banned_ids),
    }


PARTS: dict[Task, Callable[[Recipe, Path, Path, Precision], Parts]] = {
    "ner": ner_parts,
    "sentiment": sentiment_parts,
    "translation": translation_parts,
}
