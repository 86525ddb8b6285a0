"""Named entities: the item, and the result with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from seqserve.choices import Aggregation, OffsetUnit
from seqserve.records.fields import Probability, internal, on_request, option


@dataclass(frozen=True)
class NerItem:
    """A text in which entities are to be found."""

    text: str
    min_score: Probability | None = option(
        None, "Keep entities with at least this score; default: the model's threshold."
    )
    labels: Sequence[str] | None = option(
        None, "Keep only these labels.", min_length=1, max_length=100
    )
    offset_unit: OffsetUnit = option("codepoint", "The unit of `start` and `end`.")
    alternatives: int = option(
        0, "Return the n most probable labelings of every sentence.", ge=0, le=7
    )
    aggregation: Aggregation = option(
        "viterbi",
        "How tags become entities. `viterbi`: by the most probable labeling of every sentence. Imported models "
        "only: the ways of transformers' pipelines.",
    )


@dataclass(frozen=True)
class Entity:
    """A named entity: `text` is the part of the text from `start` to before `end`, in the requested unit.

    `score` is the probability that the entity is right: the exact posterior probability of the span under
    the model, calibrated on held-out texts. With an `aggregation` other than `viterbi`, it is the mean of the
    probabilities of the tags.
    """

    text: str
    label: str
    start: int
    end: int
    score: Probability


@dataclass(frozen=True)
class LabelledSpan:
    """A part of the text, from `start` to before `end` in the requested unit, with its label."""

    text: str
    label: str
    start: int
    end: int


@dataclass(frozen=True)
class Labeling:
    """One way to label a sentence, and its exact probability under the model, before calibration.

    Args:
        probability: Of exactly these entities and no others.
        entities: In text order; options that filter entities have no effect here.
    """

    probability: Probability
    entities: tuple[LabelledSpan, ...]


@dataclass(frozen=True)
class SentenceLabelings:
    """The most probable labelings of the sentence from `start` to before `end`, the best one first."""

    start: int
    end: int
    labelings: tuple[Labeling, ...]


@dataclass(frozen=True)
class NerResult:
    """The entities of one text, in text order."""

    entities: tuple[Entity, ...]
    n_tokens: int | None = internal()
    alternatives: tuple[SentenceLabelings, ...] = on_request("alternatives")

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: no entities."""
        return cls(())
