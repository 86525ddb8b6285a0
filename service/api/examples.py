"""The examples of the OpenAPI document: requests with the responses of the shipped bundles.

`make examples` sends the requests and updates the responses in `examples.json`.
tests/e2e/test_examples.py verifies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).with_name("examples.json")


@dataclass(frozen=True, kw_only=True)
class Example:
    """One request and its response.

    Args:
        path: The route.
        method: HTTP method in lower case, as in OpenAPI.
        name: Unique among the examples of the route.
        summary: Description in one line.
        request: JSON body of the request, if any.
        status: HTTP status of the response.
        answer: Body of the response: JSON or text.
    """

    path: str
    method: str
    name: str
    summary: str
    request: dict[str, Any] | None = None
    status: int
    answer: Any


def load_examples(file: Path = FILE) -> list[Example]:
    """Load all examples, in the order of the file."""
    return [Example(**one) for one in orjson.loads(file.read_bytes())]
