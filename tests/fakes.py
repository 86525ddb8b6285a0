"""Fake engines: rules instead of models; special words in a text make them slow, fail, crash or block.

Set SEQSERVE_ENGINE_FACTORY to `open_engine` to run a whole server on fakes. `write_bundles` writes valid
bundles without a model.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sentencex

from seqserve.bundle import Bundle, load_bundle, write_bundle
from seqserve.errors import InputError
from seqserve.manifest import Description
from seqserve.model_info import ModelInfo, model_id
from seqserve.records import (
    Alternative,
    ClassificationItem,
    ClassificationResult,
    Entity,
    Labeling,
    LabelledSpan,
    NerItem,
    NerResult,
    ScoredLabel,
    SentenceLabelings,
    SentenceSentiment,
    SentimentItem,
    SentimentResult,
    Span,
    TranslatedSegment,
    TranslationItem,
    TranslationResult,
)
from seqserve.runtime.engine import Engine
from seqserve.runtime.engine import open_engine as real_engine
from seqserve.runtime.transformer_search import DecodingBatch
from seqserve.tasks import TASKS
from seqserve.text.offsets import offset_table

POISON = "POISON"  # the engine raises
PANIC = "PANIC"  # a library in Rust panics
OLD_GRAPH = "old_graph"  # a key of config.json: the engine has no alternatives
REFUSED = "REFUSED"  # the engine raises an error that is the caller's fault
LETHAL = "LETHAL"  # the engine's process dies
SLOW = "SLOW"  # the engine takes SLOW_S longer
SLOW_S = 0.5
LATE_S = 2.0
HUNG = "HUNG"  # the engine blocks for HUNG_S
HUNG_S = 300.0
LONG = "LONG"  # the translator runs until it is cancelled, LONG_S at most
LONG_S = 10.0

DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "ner-en": {"task": "ner", "languages": ("en",), "labels": ("LOC", "PER")},
    "sentiment-en": {
        "task": "sentiment",
        "languages": ("en",),
        "labels": ("negative", "positive"),
    },
    "topics-en": {"task": "classification", "languages": ("en",), "labels": ("sport", "politics")},
    "translate-en-zh": {"task": "translation", "languages": ("en", "zh"), "labels": ()},
}


class FakeEngine(ABC):
    """Answers by rules and records its batches.

    Args:
        bundle: The bundle that it stands for.
    """

    def __init__(self, bundle: Bundle | None) -> None:
        self.bundle = bundle
        self.batches: list[list[str]] = []
        self.items: list[Any] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.n_running = 0
        self.max_running = 0

    def predict(self, items: Sequence[Any]) -> list[Any]:
        self.n_running += 1
        self.max_running = max(self.max_running, self.n_running)
        self.batches.append([item.text for item in items])
        self.items += items
        try:
            self.may_go_on.wait(10)
            for item in items:
                _obey(item.text)
            return [self.answer(item) for item in items]
        finally:
            self.n_running -= 1

    @abstractmethod
    def answer(self, item: Any) -> Any: ...


def _obey(text: str) -> None:
    if LETHAL in text:
        os._exit(1)
    if REFUSED in text:
        raise InputError("has a word that this model refuses.")
    if PANIC in text:
        sentencex.segment("en", "Z\xa0.")  # panics, in version 1.0.32
    if POISON in text:
        raise KeyError(text)  # an exception that quotes the text, as real ones do
    if HUNG in text:
        time.sleep(HUNG_S)
    if SLOW in text:
        time.sleep(SLOW_S)


def n_tokens(text: str) -> int:
    return len(text.split())


class FakeNer(FakeEngine):
    """Tags capitalised words as persons and upper-case words as places."""

    @property
    def has_alternatives(self) -> bool:
        return self.bundle is None or OLD_GRAPH not in self.bundle.config

    def answer(self, item: NerItem) -> NerResult:
        if item.alternatives and not self.has_alternatives:
            raise InputError("alternatives: the graph has no scores for them.")
        entities = []
        for match in re.finditer(r"\b[A-Z]\w+", item.text):
            label = "LOC" if match.group().isupper() else "PER"
            score = 0.5 + 0.5 / len(match.group())
            if score < (item.min_score or 0) or (item.labels and label not in item.labels):
                continue
            start, end = (
                offset_table(item.text, item.offset_unit)[position] for position in match.span()
            )
            entities.append(Entity(match.group(), label, start, end, score))
        return NerResult(tuple(entities), n_tokens(item.text), _labelings(item, entities))


def _labelings(item: NerItem, entities: list[Entity]) -> tuple[SentenceLabelings, ...]:
    """Return the whole text as a sentence with one labeling, which is less sure than its entities."""
    if not item.alternatives:
        return ()
    spans = tuple(LabelledSpan(one.text, one.label, one.start, one.end) for one in entities)
    probability = 0.9 * min((one.score for one in entities), default=1.0)
    end = offset_table(item.text, item.offset_unit)[-1]
    return (SentenceLabelings(0, end, (Labeling(probability, spans),)),)


class FakeSentiment(FakeEngine):
    """Classifies a text with "bad" in it as negative."""

    def answer(self, item: SentimentItem) -> SentimentResult:
        label, scores = _judge(item.text)
        sentences: tuple[SentenceSentiment, ...] = ()
        if item.sentences:
            sentences = tuple(
                SentenceSentiment(found.group(), *found.span(), label, scores[label], scores)
                for found in re.finditer(r"[^.\s][^.]*\.?", item.text)
                for label, scores in [_judge(found.group())]
            )
        return SentimentResult(label, scores[label], scores, sentences, n_tokens(item.text))


def _judge(text: str) -> tuple[str, dict[str, float]]:
    if "bad" in text:
        return "negative", {"negative": 0.75, "positive": 0.25}
    return "positive", {"negative": 0.125, "positive": 0.875}


class FakeClassification(FakeEngine):
    """Labels a text with "vote" in it as politics, others as sport, and one with "both" as both."""

    def answer(self, item: ClassificationItem) -> ClassificationResult:
        scores = {"sport": 0.25, "politics": 0.75} if "vote" in item.text else {"sport": 0.875}
        scores = {"sport": 0.0, "politics": 0.125} | scores
        kept = {
            name: score
            for name, score in scores.items()
            if item.labels is None or name in item.labels
        }
        best = max(kept, key=lambda name: kept[name])
        label, score = (best, kept[best]) if kept[best] >= (item.min_score or 0) else (None, 0.0)
        labels = () if label is None else (ScoredLabel(label, score),)
        if "both" in item.text:
            labels += tuple(ScoredLabel(name, one) for name, one in kept.items() if name != label)
        return ClassificationResult(label, score, labels, kept, n_tokens(item.text))


class FakeTranslation(FakeEngine):
    """Translates by reversing the words; of several pairs, it names the one that was asked."""

    def answer(self, item: TranslationItem) -> TranslationResult:
        end = time.monotonic() + LONG_S
        while LONG in item.text and not item.cancellation.is_over and time.monotonic() < end:
            time.sleep(0.005)
        words = item.text.split()[::-1]
        limit = item.max_tokens or len(words)
        warnings = ("truncated",) if limit < len(words) else ()
        text = " ".join([*words[:limit], *([">".join(item.pair)] if item.pair else [])])
        alternatives: tuple[Alternative, ...] = ()
        if item.alternatives:
            alternatives = tuple(
                Alternative(f"{text} {rank}", -1.0 - rank) for rank in range(item.alternatives)
            )
        segments: tuple[TranslatedSegment, ...] = ()
        if item.segments:
            spans = [Span(0, offset_table(of, item.offset_unit)[-1]) for of in (item.text, text)]
            segments = (TranslatedSegment(*spans, -0.5, warnings),)
        return TranslationResult(
            text, -0.5, warnings, alternatives, segments, n_tokens=n_tokens(item.text)
        )


_ENGINES: dict[str, type[FakeEngine]] = {
    "ner": FakeNer,
    "sentiment": FakeSentiment,
    "classification": FakeClassification,
    "translation": FakeTranslation,
}
OPENED: dict[str, FakeEngine] = {}  # the engine last opened in this process, by task
OPENED_BY_ID: dict[str, FakeEngine] = {}  # likewise, by id of the model


def open_engine(path: Path) -> FakeEngine:
    bundle = load_bundle(path)
    engine = OPENED[bundle.manifest.task] = _ENGINES[bundle.manifest.task](bundle)
    OPENED_BY_ID[model_id(bundle.manifest.name, bundle.manifest.version)] = engine
    return engine


def open_trained_engine(path: Path) -> Engine | FakeEngine:
    """Open the real engine of a bundle that has graphs, and a fake of the others."""
    return real_engine(path) if any(path.glob("*.onnx")) else open_engine(path)


STEP_S = 0.02


def open_engine_late(path: Path) -> FakeEngine:
    """Open an engine as a large model is opened: it takes LATE_S."""
    time.sleep(LATE_S)
    return open_engine(path)


def open_slow_engine(path: Path) -> Engine:
    """Open the real engine, with every decoding step of this process slowed down by STEP_S."""
    plain_advance = DecodingBatch.advance

    def advance(batch: DecodingBatch) -> None:
        time.sleep(STEP_S)
        plain_advance(batch)

    engine = real_engine(path)
    if engine.bundle.manifest.task == "translation":
        DecodingBatch.advance = advance  # type: ignore[method-assign]
    return engine


def write_bundle_of(
    directory: Path,
    like: str,
    text: str = "Ann saw a bad film",
    config: bytes = b"{}",
    n_golden: int = 1,
    **changes: Any,
) -> Bundle:
    """Write one bundle.

    Args:
        directory: The new model directory.
        like: The name in DESCRIPTIONS to start from.
        text: The text of the golden output; the golden input stays the same.
        config: A file of the bundle that the fakes do not read.
        n_golden: How often it has its golden case.
        changes: Fields of the description to change.
    """
    described = {**DESCRIPTIONS[like], "name": like, **changes}
    result = _ENGINES[described["task"]](None).answer(TASKS[described["task"]].item(text))
    case = {"input": {"text": "Ann saw a bad film"}, "output": asdict(result)}
    golden = {"tolerance": 1e-6, "cases": [case] * n_golden}
    description = Description(
        **{
            "version": "1.0.0",
            "precision": "fp32",
            "limits": {"max_tokens": 512},
            "created": "2026-01-31",
            **described,
        },
        data=(),
        licence="Apache-2.0",
        metrics={"f1": 0.9},
        tools={},
    )
    files = {"config.json": config, "golden.json": json.dumps(golden).encode()}
    return write_bundle(directory, files, description)


def write_bundles(directory: Path) -> Path:
    """Write one bundle per task."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in DESCRIPTIONS:
        write_bundle_of(directory / name, name)
    return directory


def replace_bundle(directory: Path, by: Path) -> None:
    """Replace a bundle with another one."""
    shutil.rmtree(directory)
    by.rename(directory)


def model_info(name: str, version: str = "1", **changes: Any) -> ModelInfo:
    """Return what a server says of an NER model, or of one with other fields."""
    fields = {"task": "ner", "languages": ("en",), **changes}
    return ModelInfo(
        name,
        labels=(),
        version=version,
        sha256="",
        limits={},
        precision="int8",
        metrics={},
        **fields,
    )
