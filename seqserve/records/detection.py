"""The result of language detection."""

from __future__ import annotations

from dataclasses import dataclass

from seqserve.records.fields import Probability


@dataclass(frozen=True)
class DetectedLanguage:
    """A language that a text may be in, as a BCP 47 tag, and its probability."""

    language: str
    confidence: Probability


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
