"""The models of finished runs in eval mode, with their preprocessors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from seqserve.choices import Activation
from seqserve.config import from_mapping
from seqserve.models.classifier import TextClassifier
from seqserve.models.tagger import CrfTagger
from seqserve.tasks import Task
from seqserve.text.classification import WordTextEncoder
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tagging import WordTokenEncoder
from seqserve.training import classification, sentiment
from seqserve.training.checkpoint import BEST, load_preprocessor, load_weights
from seqserve.training.classifier import (
    ClassifierTask,
    LabelledSets,
    TextSettings,
    make_classifier,
)
from seqserve.training.data import SegmentPair, read_pairs
from seqserve.training.decoding import Translator
from seqserve.training.interpolation import load_interpolated
from seqserve.training.ner import make_tagger
from seqserve.training.recipe import Recipe
from seqserve.training.temperature import fit_temperature
from seqserve.training.translation import PairConfig, make_translator


@dataclass(frozen=True)
class TrainedTagger:
    """A tagger.

    Args:
        architecture: Its name in `ARCHITECTURES`.
        text: Its preprocessor.
        model: In eval mode.
    """

    architecture: str
    text: WordTokenEncoder
    model: CrfTagger


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier.

    Args:
        architecture: Its name in `ARCHITECTURES`.
        text: Its preprocessor.
        temperature: Divides the logits, so that probabilities are calibrated.
        model: In eval mode.
        activation: How logits become probabilities.
        task: What it answers.
    """

    architecture: str
    text: WordTextEncoder
    temperature: float
    model: TextClassifier
    activation: Activation
    task: Task


@dataclass(frozen=True)
class TrainedTranslator:
    """A translator.

    Args:
        architecture: Its name in `ARCHITECTURES`.
        tokenizer: Its preprocessor.
        model: In eval mode.
        languages: Source and target.
        max_tokens: Most tokens of a source sentence.
        dev_sets: Reads typical pairs, which int8 is calibrated on.
    """

    architecture: str
    tokenizer: SubwordTokenizer
    model: Translator
    languages: tuple[str, str]
    max_tokens: int
    dev_sets: Callable[[], list[list[SegmentPair]]]


def load_tagger(recipe: Recipe, run: Path, root: Path) -> TrainedTagger:
    """Load the tagger of a run."""
    path = run / "text.json"
    text = WordTokenEncoder.from_mapping(load_preprocessor(path), str(path))
    model = make_tagger(recipe, text)
    load_weights(model, run / BEST)
    return TrainedTagger(recipe.architecture, text, model.eval())


def load_sentiment(recipe: Recipe, run: Path, root: Path) -> TrainedClassifier:
    """Load the model of sentiment of a run."""
    sets = sentiment.read_sets(recipe, root, with_train=False)
    return _load_classifier(recipe, run, sentiment.sentiment_config(recipe), sets)


def load_classifier(recipe: Recipe, run: Path, root: Path) -> TrainedClassifier:
    """Load the classifier of a run."""
    sets = classification.read_sets(recipe, root, _text_of(run).labels)
    return _load_classifier(recipe, run, classification.classification_config(recipe), sets)


def _text_of(run: Path) -> WordTextEncoder:
    path = run / "text.json"
    return WordTextEncoder.from_mapping(load_preprocessor(path), str(path))


def _load_classifier(
    recipe: Recipe, run: Path, config: TextSettings, sets: LabelledSets
) -> TrainedClassifier:
    """Load the classifier of a run; its temperature is fitted on the recipe's dev sets."""
    text = _text_of(run)
    model = make_classifier(recipe, text)
    load_weights(model, run / BEST)
    model.eval()
    with torch.inference_mode():
        task = ClassifierTask(model, text, sets, config, recipe.loop.batch_tokens)
        held_out = task.dev_logits()
    activation = sets.objective.activation
    temperature = fit_temperature(held_out, activation)
    return TrainedClassifier(recipe.architecture, text, temperature, model, activation, recipe.task)


def load_translator(recipe: Recipe, run: Path, root: Path) -> TrainedTranslator:
    """Load the translator of a run."""
    tokenizer = SubwordTokenizer.load(run / "tokenizer.json")
    model = make_translator(recipe, tokenizer)
    load_interpolated(model, run, recipe.export.start_share)
    source, target = recipe.languages
    pairs = from_mapping(PairConfig, recipe.text, f"{recipe.name} [text]")

    def dev_sets() -> list[list[SegmentPair]]:
        return [read_pairs(root, dataset, "dev", recipe.languages) for dataset in recipe.data.dev]

    return TrainedTranslator(
        *(recipe.architecture, tokenizer, model.eval(), (source, target), pairs.max_tokens),
        dev_sets,
    )
