"""What a bundle says about itself: the keys of manifest.json. Knows no disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from seqserve.choices import ScoreKind
from seqserve.tasks import TASKS, Task

Precision = Literal["fp32", "int8"]
MIN_SCORE = "min_score"
"""The key of `thresholds` for entities: the default of the option of that name."""
NEUTRAL_LOW, NEUTRAL_HIGH = "neutral_low", "neutral_high"
"""The keys of `thresholds` for sentiment: where a text is as likely neutral as negative, or positive."""
LOW_CONFIDENCE = "low_confidence"
"""The key of `thresholds` for the warning of that name."""


@dataclass(frozen=True)
class FileEntry:
    """The size of a file, and its SHA-256 in lower-case hexadecimal."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class DataSource:
    """One data set that the model was trained or measured on.

    Args:
        name: As its authors call it, with the version.
        licence: SPDX identifier, or the terms in a few words.
        what: What it is, and what it was used for.
        splits: Examples per split.
    """

    name: str
    licence: str
    what: str
    splits: dict[str, int]


@dataclass(frozen=True)
class Origin:
    """The checkpoint that a bundle was imported from.

    Args:
        kind: Of the checkpoint.
        name: As the checkpoint calls itself, or the name of its directory.
        family: The `model_type` of its config.json.
        files: SHA-256 of the files that were read, in lower-case hexadecimal, by name.
    """

    kind: Literal["hugging-face"]
    name: str
    family: str
    files: dict[str, str]


@dataclass(frozen=True)
class Description:
    """What the maker of a bundle says about it.

    Args:
        name: The model's name in routes and metrics.
        version: The model's version, not the project's.
        task: What the model does.
        languages: BCP 47 codes; for translation exactly (source, target), or with `pairs` all of them.
        labels: What the model can answer, in the order of its outputs; empty for translation.
        precision: Of the graphs' weights.
        limits: Largest inputs, for example {"max_tokens": 256}.
        data: Where the training and test data came from.
        licence: Of the weights.
        metrics: Measured quality, for example {"f1_test": 0.91}.
        tools: Versions of what made it, for example {"torch": "2.13.0"}.
        created: Day of the export, YYYY-MM-DD.
        thresholds: Chosen on held-out sets, for example {"min_score": 0.25}, the default of that option.
        pairs: The (source, target) pairs of a translator that has several; empty: it has one.
        score_kind: What a score is; None: that of the task.
        origin: Of an imported model; None: it was trained here.
    """

    name: str
    version: str
    task: Task
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    precision: Precision
    limits: dict[str, int]
    data: tuple[DataSource, ...]
    licence: str
    metrics: dict[str, float]
    tools: dict[str, str]
    created: str
    thresholds: dict[str, float] = field(default_factory=dict, kw_only=True)
    pairs: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    score_kind: ScoreKind | None = field(default=None, kw_only=True)
    origin: Origin | None = field(default=None, kw_only=True)

    @property
    def language_pairs(self) -> tuple[tuple[str, ...], ...]:
        """The (source, target) pairs of a translator; of other tasks none."""
        if self.pairs or not TASKS[self.task].is_pair:
            return self.pairs
        return (self.languages,)

    @property
    def kind_of_score(self) -> ScoreKind:
        """What a score of the model is."""
        return self.score_kind or TASKS[self.task].score_kind


@dataclass(frozen=True)
class Manifest(Description):
    """A description, and the table of files that it speaks of.

    Args:
        format_version: Of the directory's layout and of this file's keys.
        files: Every file but manifest.json, by name.
    """

    format_version: int
    files: dict[str, FileEntry]
