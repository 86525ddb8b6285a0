"""Classification: the item, and the result with its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from seqserve.choices import Warning
from seqserve.records.fields import Probability, internal, option


@dataclass(frozen=True)
class ClassificationItem:
    """A text that is to be labelled."""

    text: str
    min_score: Probability | None = option(
        None, "Return labels with at least this score; default: the model's threshold."
    )
    labels: Sequence[str] | None = option(
        None,
        "Consider only these labels; their scores stay the same.",
        min_length=1,
        max_length=1000,
    )
    top: int | None = option(
        None, "Return only the scores of the n most probable labels.", ge=1, le=1_000_000
    )


@dataclass(frozen=True)
class ScoredLabel:
    """A label and its probability."""

    label: str
    score: Probability


@dataclass(frozen=True)
class ClassificationResult:
    """The labels of a text that reach the threshold, and the probability of every label.

    A blank text has no label (null), the score 0 and no scores.

    Args:
        label: The first one of `labels`; null if there is none.
        score: Its probability; 0 without a label.
        labels: The most probable first. If the labels of the model exclude each other, at most one.
        scores: Of every considered label, in the model's order; of the `top` ones, the most probable first.
        n_tokens: As the model counts them.
        unknown_share: The share of words that the model does not know; 1 without any word.
        warnings: `mostly_unknown` if the share is 0.4 or more.
    """

    label: str | None
    score: Probability
    labels: tuple[ScoredLabel, ...]
    scores: Mapping[str, Probability]
    n_tokens: int | None = internal()
    unknown_share: Probability = 0.0
    warnings: tuple[Warning, ...] = ()

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: no label, because any would be wrong."""
        return cls(None, 0.0, (), {}, unknown_share=1.0)
