"""From a finished run to the parts of a bundle, one function per task.

Each loads the best weights of the run, builds the graphs, holds them against torch, and gives beside the
files a predictor that runs the torch model: what the bundle must reproduce.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import onnx
import torch
from safetensors.numpy import save

from model_export.classifier_graph import classifier_graph
from model_export.parity import check_classifier, check_tagger, check_transformer
from model_export.tagger_graph import tagger_graph
from model_export.transformer_graph import decoder_step_graph, encoder_graph
from seqserve.arrays import FloatArray, IntArray
from seqserve.config import from_mapping, to_mapping
from seqserve.manifest import Precision, Task
from seqserve.models.tagger import Tagger
from seqserve.runtime.engine import Predictor
from seqserve.runtime.ner import NerPredictor
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.runtime.translation import TranslationPredictor
from seqserve.text.classification import ClassifierText
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tagging import TaggerText
from seqserve.training.checkpoint import load_text_side, load_weights
from seqserve.training.ner import make_tagger, transitions_of
from seqserve.training.recipe import Recipe
from seqserve.training.sentiment import (
    SentimentTask,
    fit_temperature,
    make_classifier,
    read_dev,
    sentiment_config,
)
from seqserve.training.translation import PairConfig, TorchTranslator, make_translator

Model = TypeVar("Model")


@dataclass(frozen=True)
class Parts:
    """What a task puts into a bundle.

    Args:
        files: Graphs, weights and tokenizer, by file name.
        config: What becomes config.json.
        reference: The torch model behind the same text side.
        worst_difference: Largest difference between torch and the fp32 graphs on random inputs.
        labels: What the model can answer.
        limits: Largest inputs.
    """

    files: dict[str, bytes]
    config: dict[str, Any]
    reference: Predictor
    worst_difference: float
    labels: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)


def ner_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Give the parts of a tagger bundle."""
    path = run / "text.json"
    text = TaggerText.from_mapping(load_text_side(path), str(path))
    model = make_tagger(recipe, text)
    load_weights(model, run / "best.safetensors")
    model.eval()
    exact, graph = _written(tagger_graph, model, precision)
    worst = check_tagger(model, exact, text.config.max_chars)
    crf = transitions_of(model)
    weights = {"start": crf.start, "moves": crf.matrix, "end": crf.end}
    return Parts(
        files={"tagger.onnx": graph, "crf.safetensors": save(weights)},
        config={"model": to_mapping(model.config), "text": text.to_mapping()},
        reference=NerPredictor(text, crf, _torch_tagger(model)),
        worst_difference=worst,
        labels=text.scheme.labels,
        limits={"max_window_tokens": text.config.max_tokens},
    )


def _torch_tagger(model: Tagger) -> Callable[[IntArray, IntArray, IntArray], FloatArray]:
    def emissions(*inputs: IntArray) -> FloatArray:
        with torch.inference_mode():
            array: FloatArray = model(*map(torch.from_numpy, inputs)).numpy()
        return array

    return emissions


def sentiment_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Give the parts of a classifier bundle; its temperature is fitted on the recipe's dev sets."""
    path = run / "text.json"
    text = ClassifierText.from_mapping(load_text_side(path), str(path))
    model = make_classifier(recipe, text)
    load_weights(model, run / "best.safetensors")
    model.eval()
    with torch.inference_mode():
        config, dev = sentiment_config(recipe), read_dev(recipe, root)
        task = SentimentTask(model, text, [], dev, config, recipe.loop.batch_tokens)
        held_out = task.dev_logits()
    temperature = fit_temperature(*held_out)
    exact, graph = _written(classifier_graph, model, precision)
    worst = check_classifier(model, exact)

    def logits(words: IntArray, lengths: IntArray) -> FloatArray:
        with torch.inference_mode():
            array: FloatArray = model(torch.from_numpy(words), torch.from_numpy(lengths)).numpy()
        return array

    return Parts(
        files={"classifier.onnx": graph},
        config={
            "model": to_mapping(model.config),
            "text": text.to_mapping(),
            "temperature": temperature,
        },
        reference=SentimentPredictor(text, temperature, logits),
        worst_difference=worst,
        labels=text.labels,
    )


def translation_parts(recipe: Recipe, run: Path, root: Path, precision: Precision) -> Parts:
    """Give the parts of a translator bundle."""
    tokenizer = SubwordTokenizer.load(run / "tokenizer.json")
    model = make_translator(recipe, tokenizer)
    load_weights(model, run / "best.safetensors")
    model.eval()
    exact_encoder, encoder = _written(encoder_graph, model, precision)
    exact_decoder, decoder = _written(decoder_step_graph, model, precision)
    worst = check_transformer(model, exact_encoder, exact_decoder)
    pairs = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")
    source, target = recipe.languages
    return Parts(
        files={
            "encoder.onnx": encoder,
            "decoder.onnx": decoder,
            "tokenizer.json": tokenizer.to_json().encode(),
        },
        config={"model": to_mapping(model.config)},
        reference=TranslationPredictor(
            tokenizer, (source, target), pairs.max_tokens, TorchTranslator(model)
        ),
        worst_difference=worst,
        limits={"max_source_tokens": pairs.max_tokens},
    )


def _written(
    build: Callable[[Model, Precision], onnx.ModelProto], model: Model, precision: Precision
) -> tuple[bytes, bytes]:
    """Give the fp32 graph, to be held against torch, and what the bundle gets: the same under fp32."""
    exact = build(model, "fp32").SerializeToString(deterministic=True)
    if precision == "fp32":
        return exact, exact
    return exact, build(model, precision).SerializeToString(deterministic=True)


PARTS: dict[Task, Callable[[Recipe, Path, Path, Precision], Parts]] = {
    "ner": ner_parts,
    "sentiment": sentiment_parts,
    "translation": translation_parts,
}
