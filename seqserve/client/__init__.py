"""The Python client: the HTTP API as typed calls, independent of the server's code.

Its only dependency is httpx. It is documented in docs/api.md.
"""

from seqserve.client.answers import Answer, Health, Model, Receipt
from seqserve.client.asynchronous import AsyncClient
from seqserve.client.blocking import Client
from seqserve.client.policy import Policy
from seqserve.client.problems import ServerUnreachable, UnexpectedAnswer
from seqserve.records import (
    Alternative,
    ClassificationResult,
    DetectedLanguage,
    DetectionResult,
    Entity,
    NerResult,
    ScoredLabel,
    SentenceSentiment,
    SentimentResult,
    Span,
    TextError,
    TranslatedSegment,
    TranslationResult,
)

__all__ = [
    "Alternative",
    "Answer",
    "AsyncClient",
    "ClassificationResult",
    "Client",
    "DetectedLanguage",
    "DetectionResult",
    "Entity",
    "Health",
    "Model",
    "NerResult",
    "Policy",
    "Receipt",
    "ScoredLabel",
    "SentenceSentiment",
    "SentimentResult",
    "ServerUnreachable",
    "Span",
    "TextError",
    "TranslatedSegment",
    "TranslationResult",
    "UnexpectedAnswer",
]
