"""What the benchmarks know of each task: its example on null engines, and its target over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loadtest.targets import Target, at_least
from seqserve.records import (
    ClassificationResult,
    Entity,
    NerResult,
    Result,
    ScoredLabel,
    SentimentResult,
    TranslationResult,
)
from seqserve.tasks import Task

NER: Task = "ner"
SENTIMENT: Task = "sentiment"
CLASSIFICATION: Task = "classification"
TRANSLATION: Task = "translation"


@dataclass(frozen=True)
class TaskBenchmark:
    """One task.

    Args:
        result: What a null engine returns for every item.
        labels: Of a bundle of null engines.
        http_share: Target for the texts per second over HTTP, as a share of the runtime's alone.
    """

    result: Result
    labels: tuple[str, ...]
    http_share: Target


BENCHMARKS: Mapping[Task, TaskBenchmark] = {
    NER: TaskBenchmark(
        NerResult((Entity("Harry Potter", "PER", 0, 12, 0.998),), 9),
        labels=("PER",),
        http_share=at_least(0.85, ".2f"),
    ),
    SENTIMENT: TaskBenchmark(
        SentimentResult("positive", 0.97, {"negative": 0.03, "positive": 0.97}, n_tokens=9),
        labels=("negative", "positive"),
        http_share=at_least(0.85, ".2f"),
    ),
    CLASSIFICATION: TaskBenchmark(
        ClassificationResult(
            "books", 0.97, (ScoredLabel("books", 0.97),), {"books": 0.97, "sport": 0.03}, n_tokens=9
        ),
        labels=("books", "sport"),
        http_share=at_least(0.85, ".2f"),
    ),
    TRANSLATION: TaskBenchmark(
        TranslationResult("哈利·波特在伦敦发明了一个咒语。", -0.31, (), n_tokens=9),
        labels=(),
        http_share=at_least(0.95, ".2f"),
    ),
}
