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
    return _load_classifier(recipe, run, sentiment_of(recipe, run, root))


def load_classifier(recipe: Recipe, run: Path, root: Path) -> TrainedClassifier:
    """Load the classifier of a run."""
    return _load_classifier(recipe, run, classifier_of(recipe, run, root))


def sentiment_of(recipe: Recipe, run: Path, root: Path) -> ClassifierTask:
    """Return a run's model of sentiment without weights, with the dev sets of its recipe."""
    sets = sentiment.read_sets(recipe, root, with_train=False)
    return _untrained(recipe, _text_of(run), sentiment.sentiment_config(recipe), sets)


def classifier_of(recipe: Recipe, run: Path, root: Path) -> ClassifierTask:
    """Return a run's classifier without weights, with the dev sets of its recipe."""
    text = _text_of(run)
    sets = classification.read_sets(recipe, root, text.labels)
    return _untrained(recipe, text, classification.classification_config(recipe), sets)


def _text_of(run: Path) -> WordTextEncoder:
    path = run / "text.json"
    return WordTextEncoder.from_mapping(load_preprocessor(path), str(path))


def _untrained(
    recipe: Recipe, text: WordTextEncoder, config: TextSettings, sets: LabelledSets
) -> ClassifierTask:
    model = make_classifier(recipe, text)
    return ClassifierTask(model, text, sets, config, recipe.loop.batch_tokens)


def _load_classifier(recipe: Recipe, run: Path, task: ClassifierTask) -> TrainedClassifier:
    """Load the weights of a classifier's run; its temperature is fitted on the dev sets."""
    load_interpolated(task.model, run, recipe.export.start_share)
    model, activation = task.model.eval(), task.activation
    with torch.inference_mode():
        temperature = fit_temperature(task.dev_logits(), activation)
    text = _text_of(run)
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
