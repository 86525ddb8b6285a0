"""Both clients behind one interface, with a fake server instead of the network."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from seqserve.client import AsyncClient, Client, Policy

QUICK = Policy(first_wait_s=0.001, longest_wait_s=0.002)
Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Caller:
    """Calls one of the clients.

    Args:
        is_async: Which.
        options: Of the client, beside its address.
    """

    is_async: bool
    url: str = "http://seqserve"
    options: dict[str, Any] = field(default_factory=lambda: {"policy": QUICK})

    def __call__(self, handler: Handler, method: str, *args: Any, **named: Any) -> Any:
        transport = httpx.MockTransport(handler)
        return self.over(method, *args, transport=transport, **named)

    def over(
        self, method: str, *args: Any, transport: httpx.MockTransport | None = None, **named: Any
    ) -> Any:
        """Calls a method; without a transport over the network."""
        if not self.is_async:
            with Client(self.url, transport=transport, **self.options) as client:
                return getattr(client, method)(*args, **named)

        async def run() -> Any:
            async with AsyncClient(self.url, transport=transport, **self.options) as client:
                return await getattr(client, method)(*args, **named)

        return asyncio.run(run())


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Caller:
    return Caller(request.param)


def body_of(request: httpx.Request) -> dict[str, Any]:
    """Return the JSON of a request, and verify its headers."""
    assert request.headers["content-type"] == "application/json"
    content = request.content
    if request.headers.get("content-encoding") == "gzip":
        content = gzip.decompress(content)
    body: dict[str, Any] = json.loads(content)
    return body


RESULTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "/v1/ner": lambda text: {
        "entities": [{"text": text, "label": "PER", "start": 0, "end": len(text), "score": 0.5}]
    },
    "/v1/sentiment": lambda text: {
        "label": "positive",
        "score": 0.75,
        "scores": {"negative": 0.25, "positive": 0.75},
    },
    "/v1/classify": lambda text: {
        "label": "a",
        "score": 0.75,
        "labels": [{"label": "a", "score": 0.75}],
        "scores": {"a": 0.75, "b": 0.25},
    },
    "/v1/translate": lambda text: {"text": text[::-1], "score": -0.5, "warnings": []},
    "/v1/detect": lambda text: {
        "language": "en",
        "confidence": 0.5,
        "alternatives": [{"language": "nl", "confidence": 0.25}],
    },
}


class MadeUpServer:
    """A fake server that answers predictions and records the requests.

    Args:
        max_texts: In one request.
        more: Fields that a newer server would add to every object.
    """

    def __init__(self, max_texts: int = 10**6, more: dict[str, Any] | None = None) -> None:
        self.max_texts = max_texts
        self.more = more or {}
        self.requests: list[httpx.Request] = []

    def bodies(self) -> list[dict[str, Any]]:
        return [body_of(request) for request in self.requests]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        texts = body_of(request)["text"]
        if len(texts) > self.max_texts:
            return problem(413, "too_many_texts", f"text has {len(texts)} texts.")
        for index, text in enumerate(texts):
            if not text.strip():
                return problem(422, "invalid_field", f"text[{index}] is empty. (2 more.)")
        results = [{**RESULTS[request.url.path](text), **self.more} for text in texts]
        usage = {"n_texts": len(texts), "n_tokens": 2 * len(texts), **self.more}
        answer = {"model": "made-up", "version": "1.0.0", "results": results, "usage": usage}
        return httpx.Response(
            200,
            json={**answer, **self.more},
            headers={
                "x-request-id": request.headers["x-request-id"],
                "server-timing": "queue;dur=0.25, model;dur=1.50, total;dur=2.00",
            },
        )


def problem(
    status: int, code: str, detail: str = "Because.", headers: dict[str, str] | None = None
) -> httpx.Response:
    """Return an error response of the API."""
    document = {
        "type": "about:blank",
        "title": "Title",
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": "0c0f",
    }
    content = json.dumps(document).encode()
    named = {"content-type": "application/problem+json", "x-request-id": "0c0f", **(headers or {})}
    return httpx.Response(status, content=content, headers=named)
