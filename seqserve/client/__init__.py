"""The Python client: the HTTP API as typed calls, without the rest of this project.

Knows HTTP, the contract in docs/api.md and the error tree. It needs httpx and nothing else: no bentoml, no
onnxruntime, no numpy. docs/client.md is its page.
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
    "TranslationResult",
    "UnexpectedAnswer",
]
