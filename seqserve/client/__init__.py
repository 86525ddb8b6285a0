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
    Entity,
    NerResult,
    SentenceSentiment,
    SentimentResult,
    TextError,
    TranslationResult,
)

__all__ = [
    "Alternative",
    "Answer",
    "AsyncClient",
    "Client",
    "Entity",
    "Health",
    "Model",
    "NerResult",
    "Policy",
    "Receipt",
    "SentenceSentiment",
    "SentimentResult",
    "ServerUnreachable",
    "TextError",
    "TranslationResult",
    "UnexpectedAnswer",
]
