"""The model-owning BentoML services, one per task.

A runner is meant in the sense of BentoML 1.2 and later: a service of its own process behind
`bentoml.depends()`. The 1.x class `bentoml.Runner` is deprecated and not used. The supervisor
imports this module too: engines are opened in `__init__` only, which runs in the runner's own
process.

The gateway sends a batch per call. To names and tone it never sends a second before the first is
answered, so BentoML's dispatcher neither waits nor sheds; it would merge the batches of several
gateways. The translator takes several calls at once and lets them take turns itself; BentoML's
dispatcher, which admits one at a time, is left out there.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import gc
import os
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from seqserve.manifest import Task as TaskName
from service import metrics
from service.host import Host
from service.lifeline import LIFELINE
from service.settings import load_settings

SETTINGS = load_settings()
NEVER = 10**12  # the default of 100 closes sessions that other calls are using
MARGIN_S = 5

RUNNER_OPTIONS: dict[str, Any] = {
    "workers": 1,
    "threads": 1,
    "traffic": {"timeout": SETTINGS.max_timeout_ms // 1000 + 2 * MARGIN_S},
    "runner_connection": {"max_requests": NEVER, "max_age": float(NEVER)},
    "tracing": {"excluded_urls": [".*"]},
    "logging": {"access": {"enabled": False}},
}
BATCH_OPTIONS: dict[str, Any] = {
    "batchable": True,
    "max_batch_size": SETTINGS.max_batch_texts,
    "max_latency_ms": 3_600_000,
}


def tame_gc() -> None:
    """Keeps what start-up made out of later collections, which otherwise pause for 100 ms and more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def open_host(task: TaskName) -> Host:
    """The engines of a task. If they fail, a supervised process ends; else they stay `not_ready`."""
    host = Host(task, SETTINGS)
    if host.fault is not None and LIFELINE is not None:
        LIFELINE.fail(f"{task}: {host.fault}")
    return host


# Without a content type BentoML makes the JSON schema of the answer anew for every call.
Replies = Annotated[list[bytes], ContentType("application/octet-stream")]


class _Runner:
    task: TaskName

    def __init__(self) -> None:
        metrics.name_process(self.task)
        self._host = open_host(self.task)
        for name in ("status", "cancel", "predict"):  # or BentoML binds them anew for every call
            setattr(self, name, getattr(self, name))

    @bentoml.on_startup
    async def settle(self) -> None:
        """Runs after the golden cases have warmed the engines up."""
        if LIFELINE is not None:
            LIFELINE.hold(self._host.is_stuck)
        tame_gc()

    @bentoml.on_shutdown
    def finish(self) -> None:
        """Runs after the last call was answered."""
        self._host.close()

    @bentoml.api
    async def status(self) -> bytes:
        """A packed `Status`."""
        return self._host.status.pack()

    @bentoml.api
    async def cancel(self, tickets: list[str]) -> None:
        """See `Host.cancel`."""
        self._host.cancel(tickets)


class _BatchRunner(_Runner):
    @bentoml.api(**BATCH_OPTIONS)
    def predict(self, items: list[bytes]) -> Replies:
        """One reply per text; see `Host.predict`."""
        return self._host.predict(items)


@bentoml.service(**RUNNER_OPTIONS)
class NerRunner(_BatchRunner):
    """Names in texts."""

    task = "ner"


@bentoml.service(**RUNNER_OPTIONS)
class SentimentRunner(_BatchRunner):
    """The tone of texts."""

    task = "sentiment"


@bentoml.service(**{**RUNNER_OPTIONS, "threads": SETTINGS.calls("translation")})
class TranslationRunner(_Runner):
    """Texts in another language."""

    task = "translation"

    def __init__(self) -> None:
        os.nice(SETTINGS.translation_niceness)
        super().__init__()

    @bentoml.api
    def predict(self, items: list[bytes]) -> Replies:
        """One reply per text, on one of several threads; see `Host.predict`."""
        return self._host.predict(items)
