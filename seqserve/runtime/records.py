"""What goes into an engine and what comes out: frozen dataclasses, one pair per task.

The HTTP layer turns JSON into items and results into JSON; nothing here knows how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from seqserve.runtime.cancellation import Cancellation
from seqserve.text.offsets import OffsetUnit


@dataclass(frozen=True)
class NerItem:
    """One text to label.

    Args:
        text: Non-empty.
        min_score: Keep entities with at least this posterior, 0..1.
        labels: Keep only these labels; None keeps all.
        offset_unit: What `start` and `end` count: code points, UTF-16 units or UTF-8 bytes.
    """

    text: str
    min_score: float = 0.0
    labels: Sequence[str] | None = None
    offset_unit: OffsetUnit = "codepoint"


@dataclass(frozen=True)
class Entity:
    """A labelled span; `text` is the text between `start` and `end`, in the item's offset unit.

    `score` is the exact posterior probability of the span under the CRF.
    """

    text: str
    label: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class NerResult:
    """Entities in text order; `n_tokens` is what the model read."""

    entities: tuple[Entity, ...]
    n_tokens: int


@dataclass(frozen=True)
class SentimentItem:
    """One text to classify; `sentences` asks for a verdict on each sentence as well."""

    text: str
    sentences: bool = False


@dataclass(frozen=True)
class SentenceSentiment:
    """The verdict on one sentence; `start` and `end` are code points of the whole text."""

    text: str
    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class SentimentResult:
    """The likeliest label, its probability, and the probability of every label."""

    label: str
    score: float
    scores: dict[str, float]
    sentences: tuple[SentenceSentiment, ...] | None
    n_tokens: int


@dataclass(frozen=True)
class TranslationItem:
    """One text to translate.

    Args:
        text: Non-empty; split into sentences inside.
        beam_size: 1..8; 1 is greedy search.
        alternatives: How many runner-up translations to give, at most `beam_size - 1`.
        length_penalty: Hypotheses are ranked by log-probability / tokens ** length_penalty.
        max_tokens: Cap on target tokens per sentence; None derives one from the source length.
        cancellation: When to give up; what is given then is for nobody.
    """

    text: str
    beam_size: int = 4
    alternatives: int = 0
    length_penalty: float = 1.0
    max_tokens: int | None = None
    cancellation: Cancellation = field(default_factory=Cancellation, compare=False)


@dataclass(frozen=True)
class Alternative:
    """A runner-up translation of the whole text; `score` as in TranslationResult."""

    text: str
    score: float


@dataclass(frozen=True)
class TranslationResult:
    """The translation; `score` is the mean log-probability per target token.

    `warnings` holds any of `truncated`, `number_mismatch`, `repetition`, `untranslated`.
    `n_tokens` counts source tokens.
    """

    text: str
    score: float
    warnings: tuple[str, ...]
    alternatives: tuple[Alternative, ...] | None
    n_tokens: int
