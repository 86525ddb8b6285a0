"""The examples of the OpenAPI document: requests, and what the shipped bundles answered to them.

`make examples` asks again and writes the answers anew; tests/e2e/test_examples.py asks, too, and
holds what comes against what is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).with_name("examples.json")


@dataclass(frozen=True, kw_only=True)
class Example:
    """One request and its answer.

    Args:
        path: The route.
        method: In lower case, as in OpenAPI.
        name: Differs from those of other examples of the route.
        summary: One line for the reader.
        request: The JSON that is sent, if any.
        status: Of the answer.
        answer: Its JSON, or its text.
    """

    path: str
    method: str
    name: str
    summary: str
    request: dict[str, Any] | None = None
    status: int
    answer: Any


def load_examples(file: Path = FILE) -> list[Example]:
    """All examples, in the order of the file."""
    return [Example(**one) for one in orjson.loads(file.read_bytes())]
