"""Personal data in texts: what rules find, beside the entities of a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from seqserve.errors import DeadlineExceeded
from seqserve.text.pii.table import find_pii

_LANGUAGE = "en"  # of texts whose language is not known


async def add_rules(
    texts: Sequence[tuple[str, str | None]], results: Sequence[Mapping[str, Any]], deadline: float
) -> list[Mapping[str, Any]]:
    """Return the results with what rules find as `rules`; nothing for a text that has an error.

    Args:
        texts: Text and language, if known, per result.
        results: Of the texts.
        deadline: Time of `time.monotonic` after which the answer is not needed.

    Raises:
        DeadlineExceeded: It passed.
    """
    return await asyncio.to_thread(_add_rules, texts, results, deadline)


def _add_rules(
    texts: Sequence[tuple[str, str | None]], results: Sequence[Mapping[str, Any]], deadline: float
) -> list[Mapping[str, Any]]:
    completed: list[Mapping[str, Any]] = []
    for (text, language), result in zip(texts, results, strict=True):
        if time.monotonic() > deadline:
            raise DeadlineExceeded("The deadline passed while the rules were applied.")
        rules = [] if "error" in result else find_pii(text, language or _LANGUAGE)
        completed.append({**result, "rules": rules})
    return completed
