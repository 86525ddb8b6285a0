"""The tasks as data: what differs between them, once.

A row of `TASKS` is what the server, the client, the command line and the evaluation know of a task. Code
that computes something per task (a predictor, a training set-up) has a table of its own, keyed by `Task`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from seqserve.choices import ScoreKind
from seqserve.records import (
    ClassificationItem,
    ClassificationResult,
    Item,
    NerItem,
    NerResult,
    Result,
    SentimentItem,
    SentimentResult,
    TranslationItem,
    TranslationResult,
    api_fields,
    optional_parts,
)

Task: TypeAlias = Literal["ner", "sentiment", "classification", "translation"]
DETECTION_PATH = "/v1/detect"
"""The route of language detection, which is no task: it has no bundle, no queue and no runner."""
ANY_ARCHITECTURE = "*"
"""In a table by task and architecture: every architecture that has no row of its own."""


@dataclass(frozen=True)
class TaskSpec:
    """A task.

    Args:
        name: Its name in manifests, recipes, metrics and settings.
        title: Its name for people.
        summary: What it does, as an imperative.
        command: The last part of its route, the client's method and the subcommand of `seqserve predict`.
        item: What an engine reads.
        result: What an engine answers.
        main_metric: The metric by which models of the task are compared.
        default_architecture: Of recipes and bundles that name none.
        data_suffix: Of the files of its data sets: conll (tokens and tags) or jsonl (texts and labels);
            empty: one file of lines per language.
        is_pair: Whether its languages are (source, target) instead of one.
        is_shipped: Whether a model of the task is shipped.
        is_generative: Whether a result is decoded token by token, which takes longer than classification.
        score_kind: What a score is, unless the manifest says otherwise.
        csv_columns: The fields of a row in CSV output.
        csv_rows: The part of a result that has one row per element; empty: a result is one row.
    """

    name: Task
    title: str
    summary: str
    command: str
    item: type[Item]
    result: type[Result]
    main_metric: str
    score_kind: ScoreKind
    csv_columns: tuple[str, ...]
    default_architecture: str
    csv_rows: str = ""
    data_suffix: str = ""
    is_pair: bool = False
    is_generative: bool = False
    is_shipped: bool = True

    @property
    def path(self) -> str:
        """The route of the native API."""
        return f"/v1/{self.command}"

    @property
    def n_languages(self) -> int:
        """How many languages a model of the task has."""
        return 2 if self.is_pair else 1

    @property
    def result_fields(self) -> tuple[str, ...]:
        """The fields of a result in JSON."""
        return tuple(field.name for field in api_fields(self.result))

    @cached_property
    def optional_parts(self) -> Mapping[str, str]:
        """The parts of a result that are present on request only, with the options that request them."""
        return optional_parts(self.result)

    def requested(self, result: Mapping[str, Any], item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the JSON fields of a result without the parts that its item did not request.

        Args:
            result: The fields of a result.
            item: The fields of its item.
        """
        parts = self.optional_parts
        if not parts:
            return result
        return {
            name: value
            for name, value in result.items()
            if name not in parts or item.get(parts[name])
        }


TASKS: Mapping[Task, TaskSpec] = {
    spec.name: spec
    for spec in (
        TaskSpec(
            name="ner",
            title="Named entities",
            summary="Find named entities",
            command="ner",
            item=NerItem,
            result=NerResult,
            main_metric="f1",
            score_kind="posterior",
            csv_columns=("text", "label", "start", "end", "score"),
            default_architecture="bilstm-crf",
            csv_rows="entities",
            data_suffix="conll",
        ),
        TaskSpec(
            name="sentiment",
            title="Sentiment",
            summary="Classify sentiment",
            command="sentiment",
            item=SentimentItem,
            result=SentimentResult,
            main_metric="accuracy",
            score_kind="softmax",
            csv_columns=("label", "score", "warnings"),
            default_architecture="bilstm",
            data_suffix="jsonl",
        ),
        TaskSpec(
            name="classification",
            title="Classification",
            summary="Classify texts",
            command="classify",
            item=ClassificationItem,
            result=ClassificationResult,
            main_metric="macro_f1",
            score_kind="softmax",
            csv_columns=("label", "score", "labels", "warnings"),
            default_architecture="bilstm",
            data_suffix="jsonl",
            is_shipped=False,
        ),
        TaskSpec(
            name="translation",
            title="Translation",
            summary="Translate",
            command="translate",
            item=TranslationItem,
            result=TranslationResult,
            main_metric="bleu",
            score_kind="mean_log_probability",
            csv_columns=("text", "score", "warnings"),
            default_architecture="transformer",
            is_pair=True,
            is_generative=True,
        ),
    )
}

SHIPPED: tuple[Task, ...] = tuple(task for task, spec in TASKS.items() if spec.is_shipped)
"""The tasks that a model is shipped for: what benchmarks measure, and load tests send."""
