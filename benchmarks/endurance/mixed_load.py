"""Load of all tasks at once, of mixed lengths, over HTTP: every client waits for its answer, then sends again.

Made from the golden cases of the bundles, so that it needs no data; made-up words among theirs see to
it that no cache has seen everything.
"""

from __future__ import annotations

import asyncio
import random
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from seqserve.tasks import Task

ROUTES: dict[Task, str] = {
    "ner": "/v1/ner",
    "sentiment": "/v1/sentiment",
    "translation": "/v1/translate",
}
_LONGEST_WORDS: dict[Task, int] = {"ner": 400, "sentiment": 400, "translation": 120}
_MAX_TEXTS = 8
_SHARE_MADE_UP, _SHARE_SINGLE, _SHARE_IMPATIENT = 0.1, 0.7, 0.02
_IMPATIENCE_S = 0.05
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Texts:
    """An endless supply of texts of one task, short ones as often as long ones by the logarithm of length.

    Args:
        task: Decides how long the longest are.
        words: What they are made of.
        chance: Where chance comes from.
    """

    task: Task
    words: Sequence[str]
    chance: random.Random

    def one(self) -> str:
        """A text of consecutive words, with some made-up ones among them."""
        n_words = round(_LONGEST_WORDS[self.task] ** self.chance.random())
        start = self.chance.randrange(len(self.words))
        return " ".join(self._word(start + i) for i in range(n_words))

    def some(self) -> list[str]:
        """The texts of one request; most have one."""
        if self.chance.random() < _SHARE_SINGLE:
            return [self.one()]
        return [self.one() for _ in range(self.chance.randint(2, _MAX_TEXTS))]

    def _word(self, index: int) -> str:
        if self.chance.random() < _SHARE_MADE_UP:
            letters = self.chance.choices(string.ascii_lowercase, k=self.chance.randint(2, 12))
            return "".join(letters)
        return self.words[index % len(self.words)]


@dataclass
class Outcomes:
    """What became of the requests.

    Args:
        by_task: Number of answers by task and status; `hung_up` where the client did not wait, and the
            class of the error where there was no answer.
    """

    by_task: dict[Task, Counter[str]] = field(default_factory=dict)

    def note(self, task: Task, outcome: str) -> None:
        """Counts one request."""
        self.by_task.setdefault(task, Counter())[outcome] += 1


async def send_load(
    base_url: str, supplies: Sequence[Texts], clients: int, until: float, outcomes: Outcomes
) -> None:
    """Keeps as many requests of every task in flight as it has clients.

    Args:
        base_url: Of the server.
        supplies: Of texts, one a task.
        clients: For each task.
        until: Event loop time after which no request is begun.
        outcomes: Gets what became of the requests.
    """
    limits = httpx.Limits(max_connections=clients * len(supplies))
    async with httpx.AsyncClient(base_url=base_url, limits=limits, trust_env=False) as client:
        loops = (_ask(client, texts, until, outcomes) for texts in supplies for _ in range(clients))
        await asyncio.gather(*loops)


async def _ask(client: httpx.AsyncClient, texts: Texts, until: float, outcomes: Outcomes) -> None:
    """One client after its own heart: now and then it hangs up at once."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        is_impatient = texts.chance.random() < _SHARE_IMPATIENT
        timeout = _IMPATIENCE_S if is_impatient else _TIMEOUT_S
        body: dict[str, Any] = {"text": texts.some()}
        try:
            response = await client.post(ROUTES[texts.task], json=body, timeout=timeout)
        except httpx.TransportError as error:
            outcomes.note(texts.task, "hung_up" if is_impatient else type(error).__name__)
        else:
            outcomes.note(texts.task, str(response.status_code))
