"""Language detection: the route of its own, and `source: "auto"` of a translation.

Detection is no task: it has no bundle, no queue and no runner. It runs in a thread of the gateway, which
loads the classifier with the first request that needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from seqserve.choices import Warning
from seqserve.errors import InputError, UnsupportedLanguagePair
from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.records import AUTO, DetectedLanguage, DetectionResult
from seqserve.text.detection import detect_language
from seqserve.text.languages import match_tag
from service.api.pairs import name_pairs

MIN_CONFIDENCE = 0.5
"""A detected language counts from here on: 99 % are right, also of texts of 11 to 20 characters."""

NAME = "py3langid"

UNCERTAIN: Warning = "uncertain_language"


@dataclass(frozen=True)
class DetectedSource:
    """The source language of one text.

    Args:
        served: The language tag of the model that is to translate it.
        confidence: The probability of that language, as estimated by the detector.
    """

    served: str
    confidence: float

    def add_to(self, fields: dict[str, Any]) -> None:
        """Add the language to the fields of a translation, and a warning if it is uncertain."""
        language = {"language": self.served, "confidence": self.confidence}
        fields["detected_language"] = language
        if self.confidence < MIN_CONFIDENCE:
            fields["warnings"] = [*fields["warnings"], UNCERTAIN]


async def detect_languages(texts: Sequence[str]) -> list[DetectionResult]:
    """Return the language of each text, detected in a thread."""
    return await asyncio.to_thread(lambda: [detect_language(text) for text in texts])


def detect_all(texts: Sequence[str]) -> dict[str, Any]:
    """Return the answer of the route: one result per text, in order."""
    return {
        "model": NAME,
        "version": version(NAME),
        "results": [asdict(detect_language(text)) for text in texts],
        "usage": {"n_texts": len(texts), "n_tokens": 0},
    }


def find_sources(
    texts: Mapping[int, str], target: str | None, models: Sequence[ModelInfo]
) -> dict[int, DetectedSource | UnsupportedLanguagePair]:
    """Return the source language of each text, or why it cannot be translated.

    Args:
        texts: By their index in the request.
        target: The requested target language; None matches any.
        models: The translators that may answer.

    Raises:
        UnsupportedLanguagePair: No model translates to the target.
    """
    served = [
        pair[0]
        for model in models
        for pair in model.language_pairs
        if target is None or match_tag(target, pair[1]) is not None
    ]
    if not served:
        raise UnsupportedLanguagePair(
            f"No model translates to {cut(target or 'any')}. Available pairs: {name_pairs(models)}."
        )
    return {index: _find_source(detect_language(text), served) for index, text in texts.items()}


def only_source(found: Mapping[int, DetectedSource]) -> str | None:
    """Return the source language of all texts of a request; None if there are none.

    Raises:
        InputError: The texts are in several languages.
    """
    sources = {one.served: index for index, one in reversed(list(found.items()))}
    if len(sources) > 1:
        named = ", ".join(f"text[{index}] is {tag}" for tag, index in sources.items())
        raise InputError(
            f"source: with {AUTO!r} all texts of a request must be in one language; {named}. "
            "Send one request per language."
        )
    return next(iter(sources), None)


def _find_source(
    detected: DetectionResult, served: Sequence[str]
) -> DetectedSource | UnsupportedLanguagePair:
    """Return the served language that was detected, or the error if another one was.

    An uncertain detection counts only among the served languages; if none of them is among the most
    probable ones, it is the first, with a confidence of 0.
    """
    best = DetectedLanguage(detected.language, detected.confidence)
    for one in (best, *detected.alternatives):
        for tag in served:
            if match_tag(one.language, tag) is not None:
                return DetectedSource(tag, one.confidence)
        if one.confidence >= MIN_CONFIDENCE:
            return UnsupportedLanguagePair(
                f"detected {one.language} (confidence {one.confidence:.2f}); "
                f"served: {', '.join(dict.fromkeys(served))}. If this is wrong, set source."
            )
    return DetectedSource(served[0], 0.0)
