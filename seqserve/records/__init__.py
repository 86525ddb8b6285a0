"""Items and results of every task: the only definition, for the engines, the HTTP API and the client.

Standard library only, so that the client can import it. `service/api/schemas.py` derives the JSON schemas
from these dataclasses: a default, a range and a description stand here and nowhere else.
"""

from __future__ import annotations

from typing import TypeAlias

from seqserve.records.classification import (
    ClassificationItem,
    ClassificationResult,
    ScoredLabel,
)
from seqserve.records.detection import (
    DetectedLanguage,
    DetectionResult,
)
from seqserve.records.entities import (
    Entity,
    Labeling,
    LabelledSpan,
    NerItem,
    NerResult,
    SentenceLabelings,
)
from seqserve.records.fields import (
    Probability,
    Range,
    api_fields,
    on_request,
    option,
    optional_parts,
)
from seqserve.records.requests import (
    FailedText,
    RequestOptions,
    TextError,
)
from seqserve.records.sentiment import (
    NEUTRAL,
    SentenceSentiment,
    SentimentItem,
    SentimentResult,
)
from seqserve.records.translation import (
    AUTO,
    MAX_TERMS,
    Alternative,
    Span,
    TranslatedSegment,
    TranslationItem,
    TranslationResult,
)

Item: TypeAlias = NerItem | SentimentItem | ClassificationItem | TranslationItem
Result: TypeAlias = NerResult | SentimentResult | ClassificationResult | TranslationResult

__all__ = [
    "AUTO",
    "MAX_TERMS",
    "NEUTRAL",
    "Alternative",
    "ClassificationItem",
    "ClassificationResult",
    "DetectedLanguage",
    "DetectionResult",
    "Entity",
    "FailedText",
    "Item",
    "Labeling",
    "LabelledSpan",
    "NerItem",
    "NerResult",
    "Probability",
    "Range",
    "RequestOptions",
    "Result",
    "ScoredLabel",
    "SentenceLabelings",
    "SentenceSentiment",
    "SentimentItem",
    "SentimentResult",
    "Span",
    "TextError",
    "TranslatedSegment",
    "TranslationItem",
    "TranslationResult",
    "api_fields",
    "on_request",
    "option",
    "optional_parts",
]
