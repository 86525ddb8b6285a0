"""The model-owning BentoML services, one per task.

A runner in the sense of BentoML 1.2 and later is a service with a process of its own, behind
`bentoml.depends()`. The 1.x class `bentoml.Runner` is deprecated and not used. Every process imports this
module: engines are opened in `__init__` only, which runs in the runner's own process.

A runner has no BentoML API: calls arrive through rpc.py, and the gateway forms the batches and bounds the
calls in flight. Every call has a thread; the translator schedules its calls on fewer threads.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import gc
import os
from typing import Any

import bentoml
from bentoml._internal.server.http.instruments import RunnerTrafficMetricsMiddleware

from seqserve.tasks import TASKS, Task
from service.bento.shim import AsgiShim
from service.engines.backend import LocalBackend
from service.engines.host import EngineHost
from service.engines.rpc import RpcApp
from service.processes.heartbeat import inherited_channel
from service.processes.worker import SERVICES
from service.settings import load_settings
from service.telemetry import metrics

SETTINGS = load_settings()
HEARTBEAT = inherited_channel()
"""The heartbeat channel of this process, or None without a supervisor."""

RUNNER_OPTIONS: dict[str, Any] = {
    "workers": 1,
    "tracing": {"excluded_urls": [".*"]},
    "logging": {"access": {"enabled": False}},
}
_ENGINES: list[LocalBackend] = []  # of this process, if it is a runner


def tune_gc() -> None:
    """Exclude the objects of start-up from later collections, which would pause for 100 ms and more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def open_host(task: Task) -> EngineHost:
    """Open the engines of a task. If that fails, a supervised process exits; others stay `not_ready`."""
    host = EngineHost(task, SETTINGS)
    if host.fault is not None and HEARTBEAT is not None:
        HEARTBEAT.fail(f"{task}: {host.fault}")
    return host


class _Runner:
    task: Task

    def __init__(self) -> None:
        os.nice(SETTINGS.niceness_of(self.task))
        metrics.name_process(self.task)
        self._host = open_host(self.task)
        _ENGINES.append(LocalBackend(lambda: self._host, SETTINGS.concurrency_of(self.task)))

    @bentoml.on_startup
    async def resolve(self) -> None:
        """Start the heartbeats. Runs after the golden cases have warmed the engines up."""
        if HEARTBEAT is not None:
            HEARTBEAT.start(self._host.is_stuck)
        tune_gc()

    @bentoml.on_shutdown
    async def finish(self) -> None:
        """Close the engines. Runs after the last call was answered."""
        await _ENGINES[0].close()
        self._host.close()


def _make_runner(task: Task) -> Any:
    """Return the BentoML service of a task."""
    members = {"task": task, "__doc__": TASKS[task].summary + ".", "__module__": __name__}
    service = bentoml.service(**RUNNER_OPTIONS)(type(SERVICES[task], (_Runner,), members))
    middleware: dict[str, Any] = {
        "http": RpcApp(lambda: _ENGINES[0]),
        "keep": RunnerTrafficMetricsMiddleware,
    }
    service.add_asgi_middleware(AsgiShim, **middleware)
    return service


RUNNERS: dict[Task, Any] = {task: _make_runner(task) for task in TASKS}
