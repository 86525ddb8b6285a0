"""Assemble the BentoML services: what `seqserve serve` and `bentoml serve service.bento.app:Gateway` serve.

`Gateway` is the entry service and owns the only TCP port. BentoML provides processes and life cycle; all
HTTP requests are answered by the application of service/api, in front of BentoML's own.
"""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import bentoml

from seqserve.errors import ConfigError
from seqserve.tasks import Task
from service.api.application import Application
from service.bento.runners import (
    HEARTBEAT,
    RUNNER_OPTIONS,
    RUNNERS,
    SETTINGS,
    open_host,
    tune_gc,
)
from service.bento.shim import AsgiShim
from service.engines.backend import EngineBackend, LocalBackend
from service.engines.host import EngineHost
from service.engines.rpc import RunnerBackend
from service.http.admin import AdminServer
from service.http.protocol import use_connections
from service.processes.descriptors import connection_limit, raise_limit
from service.processes.worker import GATEWAY
from service.telemetry import metrics
from service.telemetry.logs import configure_logging, get_logger, is_text_format, print_text

configure_logging(SETTINGS.log_level, SETTINGS.log_format)
use_connections(connection_limit(raise_limit()))

APPLICATION = Application(SETTINGS)
HOSTS: list[EngineHost] = []  # of this process
_MARGIN_S = 15.0  # beyond the latest deadline: a runner that is stuck has exited by then
_ENGINES_WAIT_S = 1.0  # before requests are accepted, and refused, while the engines still load
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
    """Stop this process once it has answered the accepted requests."""
    n_requests = APPLICATION.n_in_flight
    if not is_text_format(SETTINGS.log_format):
        get_logger().info("draining", n_requests=n_requests)
    elif n_requests:
        print_text(farewell(n_requests))
    await APPLICATION.drain()
    os.kill(os.getpid(), signal.SIGTERM)


def farewell(n_requests: int) -> str:
    """Return what a person at a terminal needs to know while requests are finished."""
    requests = "1 request" if n_requests == 1 else f"{n_requests} requests"
    return (
        f"Finishing {requests}, for at most {SETTINGS.grace_ms / 1000:g} s. "
        "Ctrl+C again ends at once."
    )


async def _start_heartbeats() -> None:
    """Tell the supervisor that this process has started: its engines are open, if it has any."""
    n_hosts = len(SETTINGS.tasks) if SETTINGS.topology == "embedded" else 0
    while len(HOSTS) < n_hosts:
        await asyncio.sleep(0.05)
    if HEARTBEAT is not None:
        HEARTBEAT.start(lambda: any(host.is_stuck() for host in HOSTS))


def embedded_engines(task: Task) -> LocalBackend:
    """Return the engines of a task in this process; they open in the background."""

    def make_host() -> EngineHost:
        HOSTS.append(host := open_host(task))
        return host

    return LocalBackend(make_host, SETTINGS.concurrency_of(task))


# BentoML reads the services that another one depends on from its class attributes.
_Dependencies: Any = type(
    "_Dependencies",
    (),
    {task: bentoml.depends(RUNNERS[task]) for task in SETTINGS.tasks}
    if SETTINGS.topology == "runners"
    else {},
)


@bentoml.service(**GATEWAY_OPTIONS)
class Gateway(_Dependencies):  # type: ignore[misc]
    """Named entities, sentiment and translation over one HTTP API."""

    def _engines(self, task: Task) -> EngineBackend:
        if SETTINGS.topology == "embedded":
            return embedded_engines(task)
        runner = getattr(self, task)  # BentoML's proxy, which knows the address
        return RunnerBackend(runner.to_async.url, SETTINGS.max_timeout_ms / 1000 + _MARGIN_S)

    @bentoml.on_startup
    async def start(self) -> None:
        """Start the application. Runs in the gateway's process before it accepts connections."""
        metrics.name_process(GATEWAY)
        try:
            if ADMIN is not None:
                ADMIN.start()
            engines = {task: self._engines(task) for task in SETTINGS.tasks}
            request_restart = None if HEARTBEAT is None else HEARTBEAT.request_restart
            APPLICATION.start(engines, request_restart)
        except ConfigError as error:
            if HEARTBEAT is not None:
                HEARTBEAT.fail(str(error))
            raise
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(_drain()))
        loop.add_signal_handler(signal.SIGHUP, APPLICATION.models.reload_soon)
        self._starting = loop.create_task(_start_heartbeats())
        await APPLICATION.wait_until_up(_ENGINES_WAIT_S)
        tune_gc()

    @bentoml.on_shutdown
    async def stop(self) -> None:
        """Stop the application. Runs after the last request was answered."""
        await APPLICATION.stop()
        if ADMIN is not None:
            await ADMIN.stop()


Gateway.add_asgi_middleware(AsgiShim, http=APPLICATION)
