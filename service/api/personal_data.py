"""Personal data in texts: what rules find, beside the entities of a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from seqserve.errors import DeadlineExceeded
from seqserve.text.pii.overlaps import uncovered
from seqserve.text.pii.table import PiiSpan, find_pii

RULE_SCORE = 1.0
"""The score of what a rule finds: it matches, or does not."""
Texts = Sequence[tuple[str, str | None]]
"""Text and language, if known."""


class PersonalDataRules:
    """Apply the rules on one thread: more would compete with the event loop for the interpreter."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "personal-data")

    async def add_to(
        self, results: Sequence[Mapping[str, Any]], texts: Texts, deadline: float
    ) -> list[Mapping[str, Any]]:
        """Return the results with what rules find as `rules`, and with what these leave of the `entities`.

        Where a rule and an entity overlap, the rule is right; the rest of the entity stays one. A result that
        is an error gets no rules.

        Args:
            results: Of the texts.
            texts: As many.
            deadline: Time of `time.monotonic` after which the answer is not needed.

        Raises:
            DeadlineExceeded: It passed.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _add_rules, results, texts, deadline)


def _add_rules(
    results: Sequence[Mapping[str, Any]], texts: Texts, deadline: float
) -> list[Mapping[str, Any]]:
    check = partial(_check_deadline, deadline)
    completed: list[Mapping[str, Any]] = []
    for (text, language), result in zip(texts, results, strict=True):
        check()
        if "error" in result:
            completed.append({**result, "rules": []})
            continue
        rules = find_pii(text, language, check)
        entities = _beside_rules(text, result["entities"], rules)
        completed.append({**result, "rules": rules, "entities": entities})
    return completed


def _beside_rules(
    text: str, entities: Sequence[Mapping[str, Any]], rules: Sequence[PiiSpan]
) -> list[Mapping[str, Any]]:
    """Return the entities without what rules found: `Ann` of an entity `Ann <ann@example.com>`."""
    return [
        {**one, "start": start, "end": end, "text": text[start:end]}
        for one in entities
        for start, end in uncovered(text, one["start"], one["end"], rules)
    ]


def _check_deadline(deadline: float) -> None:
    """Raises DeadlineExceeded: it passed."""
    if time.monotonic() > deadline:
        raise DeadlineExceeded("The deadline passed while the rules were applied.")
