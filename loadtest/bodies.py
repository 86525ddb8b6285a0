"""Request bodies: a mix of tasks and apps, single texts and batches, and some that must be refused."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from loadtest.apps import APPS, App
from loadtest.config import LoadTestError
from loadtest.texts import Sampler
from seqserve.tasks import SHIPPED, TASKS

ROUTES: Mapping[str, str] = {
    **{task: spec.path for task, spec in TASKS.items()},
    **{name: app.path for name, app in APPS.items()},
}
"""The paths of the tasks, and those that the apps call."""
JSON = "application/json"
_N_MADE = 4000  # requests that are prepared before a run and then repeated


@dataclass(frozen=True)
class Mix:
    """What is requested.

    Args:
        tasks: Weight of each task, and of each app. Default: 1 for the tasks of the shipped models.
        batch_share: Share of the requests that have several texts. Apps send as many as `APPS` says.
        max_texts: Most texts of such a request; all numbers from 2 on are equally likely.
        invalid_share: Share of the requests that the server must refuse; those of apps are all valid.

    Raises:
        LoadTestError: A task is unknown, or a number is out of range.
    """

    tasks: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SHIPPED, 1.0))
    batch_share: float = 0.2
    max_texts: int = 8
    invalid_share: float = 0.02

    def __post_init__(self) -> None:
        """Validate tasks and numbers."""
        if unknown := sorted(set(self.tasks) - set(ROUTES)):
            raise LoadTestError(f"unknown task {', '.join(unknown)}; known are {', '.join(ROUTES)}")
        if min(self.tasks.values(), default=0.0) < 0 or not sum(self.tasks.values()):
            raise LoadTestError(
                f"weights of tasks are {dict(self.tasks)}; at least one must be above 0"
            )
        for name in ("batch_share", "invalid_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise LoadTestError(f"{name} is {getattr(self, name)}; it must be from 0 to 1")
        if self.max_texts < 2:
            raise LoadTestError(f"max_texts is {self.max_texts}; it must be 2 or more")


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        task: Which route it is sent to: that of a task, or what an app calls.
        body: Encoded.
        content_type: Of the body.
        n_texts: Texts in it.
        flaw: Why it must be refused; empty if it must not.
        route: Path, where it is not that of `task`.
        headers: Besides those of every request.
    """

    task: str
    body: bytes
    content_type: str = JSON
    n_texts: int = 1
    flaw: str = ""
    route: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the path of its route."""
        return self.route or ROUTES[self.task]

    @property
    def name(self) -> str:
        """Return its name in Locust's statistics."""
        return f"{self.path} {self.flaw or ('batch' if self.n_texts > 1 else 'single')}"


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


_FLAWS: dict[str, Callable[[str], tuple[bytes, str]]] = {
    "no JSON": lambda text: (_encoded({"text": text})[:-1], JSON),
    "blank text": lambda text: (_encoded({"text": [text, " "], "on_blank": "error"}), JSON),
    "unknown field": lambda text: (_encoded({"text": text, "colour": "red"}), JSON),
    "number for text": lambda text: (_encoded({"text": 7}), JSON),
    "wrong type": lambda text: (_encoded({"text": text}), "text/plain"),
}


def requests(mix: Mix, samplers: Mapping[str, Sampler], seed: int) -> Iterator[Request]:
    """Return an endless iterator over 4000 prepared requests, so that none is encoded during a run."""
    chance = random.Random(seed)
    tasks, weights = list(mix.tasks), list(mix.tasks.values())
    made = [
        _of_app(name, APPS[name], samplers[APPS[name].task], chance)
        if name in APPS
        else _request(mix, name, samplers[name], chance)
        for name in chance.choices(tasks, weights, k=_N_MADE)
    ]
    return cycle(made)


def _of_app(name: str, app: App, sampler: Sampler, chance: random.Random) -> Request:
    texts = [sampler.one(chance) for _ in range(chance.randint(*app.n_texts))]
    return Request(name, _encoded(app.body(texts)), n_texts=len(texts))


def _request(mix: Mix, task: str, sampler: Sampler, chance: random.Random) -> Request:
    if chance.random() < mix.invalid_share:
        flaw = chance.choice(list(_FLAWS))
        return Request(task, *_FLAWS[flaw](sampler.one(chance)), flaw=flaw)
    if chance.random() < mix.batch_share:
        texts = [sampler.one(chance) for _ in range(chance.randint(2, mix.max_texts))]
        return Request(task, _encoded({"text": texts}), n_texts=len(texts))
    return Request(task, _encoded({"text": sampler.one(chance)}))
