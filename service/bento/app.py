"""The BentoML services put together: what `seqserve serve` and `bentoml serve service.bento.app:Gateway` serve.

`Gateway` is the entry service and owns the only TCP port. BentoML gives it processes, RPC and a
life cycle; all HTTP is answered by the application of gateway.py, which stands in front of
BentoML's own.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import bentoml

from seqserve.errors import ConfigError
from seqserve.tasks import Task as TaskName
from service.api.application import Application
from service.bento.runners import (
    RUNNER_OPTIONS,
    SETTINGS,
    NerRunner,
    SentimentRunner,
    TranslationRunner,
    open_host,
    tune_gc,
)
from service.bento.shim import AsgiShim
from service.engines.client import EngineBackend, LocalBackend
from service.engines.host import EngineHost
from service.engines.rpc import RunnerBackend
from service.http.admin import AdminServer
from service.http.protocol import use_connections
from service.processes.heartbeat import HEARTBEAT
from service.telemetry import metrics
from service.telemetry.logs import configure_logging

configure_logging(SETTINGS.log_level)
use_connections()

APPLICATION = Application(SETTINGS)
HOSTS: list[EngineHost] = []  # of this process
_MARGIN_S = 15.0  # beyond the latest deadline: a runner whose engine hangs is ended before
_PATIENCE_S = 1.0  # until requests are taken, and refused, while the engines still load
ADMIN = (
    AdminServer(APPLICATION.admin, SETTINGS.admin_host, SETTINGS.admin_port)
    if SETTINGS.admin_port
    else None
)
GATEWAY_OPTIONS: dict[str, Any] = {
    "workers": 1,
    "metrics": {"enabled": False},
    "tracing": RUNNER_OPTIONS["tracing"],
    "logging": RUNNER_OPTIONS["logging"],
}


async def _drain() -> None:
    """Ends this process once it has answered what it accepted."""
    await APPLICATION.drain()
    os.kill(os.getpid(), signal.SIGTERM)


async def _hold_line() -> None:
    """Lets the supervisor know that this process has begun: its engines are open, if it has any."""
    n_hosts = len(SETTINGS.tasks) if SETTINGS.topology == "embedded" else 0
    while len(HOSTS) < n_hosts:
        await asyncio.sleep(0.05)
    if HEARTBEAT is not None:
        HEARTBEAT.hold(lambda: any(host.is_stuck() for host in HOSTS))


def embedded_engines(task: TaskName) -> LocalBackend:
    """The engines of a task in this process; they open in the background."""

    def make_host() -> EngineHost:
        HOSTS.append(host := open_host(task))
        return host

    return LocalBackend(make_host, SETTINGS.calls_of(task))


@bentoml.service(**GATEWAY_OPTIONS)
class Gateway:
    """Named entities, sentiment and translation over one HTTP API."""

    if SETTINGS.topology == "runners":
        if "ner" in SETTINGS.tasks:
            ner = bentoml.depends(NerRunner)
        if "sentiment" in SETTINGS.tasks:
            sentiment = bentoml.depends(SentimentRunner)
        if "translation" in SETTINGS.tasks:
            translation = bentoml.depends(TranslationRunner)

    def _engines(self, task: TaskName) -> EngineBackend:
        if SETTINGS.topology == "embedded":
            return embedded_engines(task)
        runner = getattr(self, task)  # BentoML's proxy, which knows where it is
        return RunnerBackend(runner.to_async.url, SETTINGS.max_timeout_ms / 1000 + _MARGIN_S)

    @bentoml.on_startup
    async def start(self) -> None:
        """Runs in the gateway's process before it accepts connections."""
        metrics.name_process("gateway")
        try:
            if ADMIN is not None:
                ADMIN.start()
            APPLICATION.start({task: self._engines(task) for task in SETTINGS.tasks})
        except ConfigError as error:
            if HEARTBEAT is not None:
                HEARTBEAT.fail(str(error))
            raise
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(_drain()))
        self._holding = loop.create_task(_hold_line())
        await APPLICATION.wait_until_up(_PATIENCE_S)
        tune_gc()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Runs after the last request was answered."""
        await APPLICATION.stop()
        if ADMIN is not None:
            await ADMIN.stop()


Gateway.add_asgi_middleware(AsgiShim, http=APPLICATION)  # type: ignore[attr-defined]  # the decorator made it a Service
