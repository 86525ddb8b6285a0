"""Sentiment: the item, and the result with its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from seqserve.choices import OffsetUnit, Warning
from seqserve.records.fields import Probability, internal, on_request, option

NEUTRAL = "neutral"
"""The label between the two of a sentiment model, on request."""


@dataclass(frozen=True)
class SentimentItem:
    """A text to classify."""

    text: str
    sentences: bool = option(False, "Classify every sentence as well.")
    neutral: bool = option(False, "Answer `neutral` as well: three labels instead of two.")
    offset_unit: OffsetUnit = option("codepoint", "The unit of `start` and `end` of sentences.")


@dataclass(frozen=True)
class SentenceSentiment:
    """The sentiment of one sentence: `text` is the part from `start` to before `end`, in the requested unit.

    `scores` has the probability of every label; it is empty in answers of older servers.
    """

    text: str
    start: int
    end: int
    label: str
    score: Probability
    scores: Mapping[str, Probability] = field(default_factory=dict)


@dataclass(frozen=True)
class SentimentResult:
    """The most probable label, its probability, and the probability of every label.

    A blank text has no label (null), the score 0 and no scores.

    Args:
        label: The most probable label.
        score: Its probability.
        scores: Of every label, 1 in sum.
        sentences: In text order.
        n_tokens: As the model counts them.
        unknown_share: The share of words that the model does not know; 1 without any word.
        warnings: `mostly_unknown` if the share is 0.4 or more.
    """

    label: str | None
    score: Probability
    scores: Mapping[str, Probability]
    sentences: tuple[SentenceSentiment, ...] = on_request("sentences")
    n_tokens: int | None = internal()
    unknown_share: Probability = 0.0
    warnings: tuple[Warning, ...] = ()

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: no label, because any would be wrong."""
        return cls(None, 0.0, {}, unknown_share=1.0)
