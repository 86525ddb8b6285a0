"""Translation: the item, and the result with its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from seqserve.cancellation import Cancellation
from seqserve.choices import LineBreaks, OffsetUnit, TextFormat, Warning
from seqserve.records.detection import DetectedLanguage
from seqserve.records.fields import internal, on_request, option

AUTO = "auto"
"""As the source language of a translation: detect it."""

MAX_TERMS = 200
"""Terms of a glossary, or of `do_not_translate`, in a request."""


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
    pair: tuple[str, str] | None = internal()
    """(source, target), of a model with several pairs; None: its first one."""
    cancellation: Cancellation = field(
        default_factory=Cancellation, compare=False, metadata={"is_internal": True}
    )


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
    n_tokens: int | None = internal()
    detected_language: DetectedLanguage | None = field(
        default=None,
        metadata={"option": "source", "description": f"Present if `source` is `{AUTO}`."},
    )

    @classmethod
    def empty(cls, text: str) -> Self:
        """Return the result of a blank text: the text itself, so that its line breaks are kept."""
        return cls(text, 0.0, ())
