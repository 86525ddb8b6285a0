"""The model-owning BentoML services, one per task.

A runner is meant in the sense of BentoML 1.2 and later: a service of its own process behind
`bentoml.depends()`. The 1.x class `bentoml.Runner` is deprecated and not used. The supervisor
imports this module too: engines are opened in `__init__` only, which runs in the runner's own
process.

It has no BentoML API: calls come through rpc.py, and the gateway decides what is a batch and how many are
in flight. Every call has a thread; the translator lets its calls take turns on fewer.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import gc
import os
from typing import Any

import bentoml
from bentoml._internal.server.http.instruments import RunnerTrafficMetricsMiddleware

from seqserve.tasks import Task as TaskName
from service.bento.shim import AsgiShim
from service.engines.client import EngineBackend, LocalBackend
from service.engines.host import EngineHost
from service.engines.rpc import RpcApp
from service.processes.heartbeat import HEARTBEAT
from service.settings import load_settings
from service.telemetry import metrics

SETTINGS = load_settings()

RUNNER_OPTIONS: dict[str, Any] = {
    "workers": 1,
    "tracing": {"excluded_urls": [".*"]},
    "logging": {"access": {"enabled": False}},
}
_ENGINES: list[EngineBackend] = []  # of this process, once it is a runner


def tune_gc() -> None:
    """Keeps what start-up made out of later collections, which otherwise pause for 100 ms and more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def open_host(task: TaskName) -> EngineHost:
    """The engines of a task. If they fail, a supervised process ends; else they stay `not_ready`."""
    host = EngineHost(task, SETTINGS)
    if host.fault is not None and HEARTBEAT is not None:
        HEARTBEAT.fail(f"{task}: {host.fault}")
    return host


class _Runner:
    task: TaskName

    def __init__(self) -> None:
        metrics.name_process(self.task)
        self._host = open_host(self.task)
        _ENGINES.append(LocalBackend(lambda: self._host, SETTINGS.calls_of(self.task)))

    @bentoml.on_startup
    async def resolve(self) -> None:
        """Runs after the golden cases have warmed the engines up."""
        if HEARTBEAT is not None:
            HEARTBEAT.hold(self._host.is_stuck)
        tune_gc()

    @bentoml.on_shutdown
    async def finish(self) -> None:
        """Runs after the last call was answered."""
        await _ENGINES[0].close()
        self._host.close()


@bentoml.service(**RUNNER_OPTIONS)
class NerRunner(_Runner):
    """Names in texts."""

    task = "ner"


@bentoml.service(**RUNNER_OPTIONS)
class SentimentRunner(_Runner):
    """The tone of texts."""

    task = "sentiment"


@bentoml.service(**RUNNER_OPTIONS)
class TranslationRunner(_Runner):
    """Texts in another language."""

    task = "translation"

    def __init__(self) -> None:
        os.nice(SETTINGS.translation_niceness)
        super().__init__()


_front: dict[str, Any] = {
    "http": RpcApp(lambda: _ENGINES[0]),
    "keep": RunnerTrafficMetricsMiddleware,
}
for _runner in (NerRunner, SentimentRunner, TranslationRunner):
    _runner.add_asgi_middleware(AsgiShim, **_front)  # type: ignore[union-attr]  # it is a Service now
