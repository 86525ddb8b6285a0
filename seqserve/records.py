"""Items and results of every task: the only definition, for the engines, the HTTP API and the client.

Standard library only, so that the client can import it. `service/api/schemas.py` derives the JSON schemas
from these dataclasses: a default, a range and a description stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Annotated, Any, Self, TypeAlias

from seqserve.cancellation import Cancellation
from seqserve.choices import Aggregation, LineBreaks, OffsetUnit, OnBlank, TextFormat, Warning

AUTO = "auto"
"""As the source language of a translation: detect it."""

MAX_TERMS = 200
"""Terms of a glossary, or of `do_not_translate`, in a request."""

NEUTRAL = "neutral"
"""The label between the two of a sentiment model, on request."""


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both inclusive; None is no bound."""

    minimum: float | None = None
    maximum: float | None = None


Probability: TypeAlias = Annotated[float, Range(0, 1)]


def option(default: Any, description: str = "", **bounds: int) -> Any:
    """Declare an option of a request.

    Args:
        default: Its value where the request does not set it.
        description: For the API's documentation.
        bounds: Pydantic's constraints, such as `ge`, `le` and `min_length`.
    """
    return field(default=default, metadata={"description": description, **bounds})


def on_request(name: str) -> Any:
    """Declare a part of a result that an answer has only where the option `name` of the item is set."""
    metadata = {"option": name, "description": f"Present if `{name}` was requested."}
    return field(default=(), metadata=metadata)


def _internal(default: Any = None) -> Any:
    """Declare a field that is no part of the API's JSON."""
    return field(default=default, metadata={"is_internal": True})


def api_fields(kind: type[Any]) -> list[Field[Any]]:
    """Return the fields of an item or a result that the API's JSON has."""
    return [one for one in fields(kind) if not one.metadata.get("is_internal")]


def optional_parts(kind: type[Any]) -> dict[str, str]:
    """Return the parts of a result that are present on request only, with the options that request them."""
    return {one.name: one.metadata["option"] for one in fields(kind) if "option" in one.metadata}


@dataclass(frozen=True)
class RequestOptions:
    """How the texts of a request are answered together; no engine reads these options."""

    on_blank: OnBlank = option(
        "empty",
        "What a text without a visible character gets: `empty`, an empty result; `error`, a 422.",
    )
    partial: bool = option(
        False, "Answer the other texts if one fails: that one gets an `error` instead of a result."
    )
    model: str | None = option(
        None,
        "The model that is to answer: `NAME` or `NAME@VERSION`, as in `GET /v1/models`; default: for "
        "translation one that has the languages, else the default model of the task.",
        min_length=1,
        max_length=200,
    )


@dataclass(frozen=True)
class TextError:
    """Why a text has no result, as in a problem document."""

    code: str
    title: str
    detail: str


@dataclass(frozen=True)
class FailedText:
    """Takes the place of a result if `partial` was requested."""

    error: TextError


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
    n_tokens: int | None = _internal()
    alternatives: tuple[SentenceLabelings, ...] = on_request("alternatives")

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: no entities."""
        return cls(())


@dataclass(frozen=True)
class SentimentItem:
    """A text to classify."""

    text: str
    sentences: bool = option(False, "Classify every sentence as well.")
    neutral: bool = option(False, "Answer `neutral` as well: three labels instead of two.")
    offset_unit: OffsetUnit = option("codepoint", "The unit of `start` and `end` of sentences.")


@dataclass(frozen=True)
class SentenceSentiment:
    """The sentiment of one sentence: `text` is the part from `start` to before `end`, in the requested unit."""

    text: str
    start: int
    end: int
    label: str
    score: Probability


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
    n_tokens: int | None = _internal()
    unknown_share: Probability = 0.0
    warnings: tuple[Warning, ...] = ()

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: no label, because any would be wrong."""
        return cls(None, 0.0, {}, unknown_share=1.0)


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
    n_tokens: int | None = _internal()
    unknown_share: Probability = 0.0
    warnings: tuple[Warning, ...] = ()

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: no label, because any would be wrong."""
        return cls(None, 0.0, (), {}, unknown_share=1.0)


@dataclass(frozen=True)
class TranslationItem:
    """A text to translate; it is split into sentences."""

    text: str
    beam_size: int = option(4, "1 is greedy search.", ge=1, le=8)
    alternatives: int = option(0, "At most beam_size - 1.", ge=0, le=7)
    length_penalty: float = option(
        1.0, "Hypotheses are ranked by log-probability / tokens ** length_penalty.", ge=0, le=5
    )
    max_tokens: int | None = option(None, "Maximum number of target tokens per sentence.", ge=1)
    format: TextFormat = option(
        "text", "Markup of `html` and `markdown` is kept, and not translated."
    )
    glossary: Mapping[str, str] | str | None = option(
        None,
        "Terms and what they are in the target language; or the name of a glossary of the server.",
    )
    do_not_translate: Sequence[str] | None = option(
        None, "Words and phrases that are copied.", max_length=MAX_TERMS
    )
    min_score: float | None = option(
        None,
        "Warn of `low_confidence` where the score of a segment is lower; default: the model's threshold.",
        le=0,
    )
    line_breaks: LineBreaks = option(
        "auto",
        "keep: every line is translated by itself. join: the lines of a paragraph are one. auto: they are, if "
        "they look wrapped.",
    )
    segments: bool = option(False, "Return the segments with their spans, scores and warnings.")
    offset_unit: OffsetUnit = option("codepoint", "The unit of `start` and `end`.")
    pair: tuple[str, str] | None = _internal()
    """(source, target), of a model with several pairs; None: its first one."""
    cancellation: Cancellation = field(
        default_factory=Cancellation, compare=False, metadata={"is_internal": True}
    )


@dataclass(frozen=True)
class DetectedLanguage:
    """A language that a text may be in, as a BCP 47 tag, and its probability."""

    language: str
    confidence: Probability


@dataclass(frozen=True)
class Alternative:
    """Another translation of the whole text; `score` as in TranslationResult."""

    text: str
    score: float


@dataclass(frozen=True)
class Span:
    """A part of a text: from `start` to before `end`, in the requested unit."""

    start: int
    end: int


@dataclass(frozen=True)
class TranslatedSegment:
    """A sentence, or a line without one, that was translated by itself.

    Args:
        source: Its place in the text of the request.
        target: The place of its translation in the text of the result.
        score: The mean log-probability per target token of its translation.
        warnings: What looks wrong about it.
    """

    source: Span
    target: Span
    score: float
    warnings: tuple[Warning, ...]


@dataclass(frozen=True)
class TranslationResult:
    """A translation; `score` is the mean log-probability per target token.

    `warnings` are those of all segments.
    """

    text: str
    score: float
    warnings: tuple[Warning, ...]
    alternatives: tuple[Alternative, ...] = on_request("alternatives")
    segments: tuple[TranslatedSegment, ...] = on_request("segments")
    n_tokens: int | None = _internal()
    detected_language: DetectedLanguage | None = field(
        default=None,
        metadata={"option": "source", "description": f"Present if `source` is `{AUTO}`."},
    )

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: the text itself, so that its line breaks are kept."""
        return cls(text, 0.0, ())


@dataclass(frozen=True)
class DetectionResult:
    """The language of a text; `und` if it cannot be told.

    Args:
        language: A BCP 47 tag.
        confidence: The probability of the language, as estimated by the detector; low on short texts.
        alternatives: The next languages, the most probable first.
    """

    language: str
    confidence: Probability
    alternatives: tuple[DetectedLanguage, ...] = ()


Item: TypeAlias = NerItem | SentimentItem | ClassificationItem | TranslationItem
Result: TypeAlias = NerResult | SentimentResult | ClassificationResult | TranslationResult
