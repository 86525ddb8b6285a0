"""Personal data in texts: what rules find, beside the entities of a model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from seqserve.errors import DeadlineExceeded
from seqserve.text.pii.table import find_pii

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
        """Return the results with what rules find as `rules`; nothing for a text that has an error.

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
        rules = [] if "error" in result else find_pii(text, language, check)
        completed.append({**result, "rules": rules})
    return completed


def _check_deadline(deadline: float) -> None:
    """Raises DeadlineExceeded: it passed."""
    if time.monotonic() > deadline:
        raise DeadlineExceeded("The deadline passed while the rules were applied.")
