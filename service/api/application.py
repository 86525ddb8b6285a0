"""Assemble the HTTP application: engines and queues, dialects, health, metrics and documentation.

It does not use the routes of `@bentoml.api`: their errors have four shapes, their bodies have no limit, and
they cost more per request. service/bento/app.py puts this application in front of BentoML's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from seqserve.errors import (
    DeadlineExceeded,
    Draining,
    NotReady,
    Overloaded,
    SeqserveError,
    UnavailableError,
)
from seqserve.tasks import Task
from service.api.administration import ModelAdministration, admin_keyring, may_change_models
from service.api.core import Core
from service.api.demo import page_routes
from service.api.dialects.base import Dialect
from service.api.dialects.document import build_dialect_document
from service.api.dialects.native import NativeDialect, served_schemas
from service.api.dialects.table import DIALECTS
from service.api.openapi import build_document
from service.api.swagger import docs_assets, docs_routes
from service.engines.backend import EngineBackend
from service.engines.canary import Canary
from service.engines.client import EngineClient
from service.engines.watch import watch_folder
from service.http.body import BodyReader
from service.http.context import NATIVE
from service.http.cors import Cors
from service.http.hosts import AllowedHosts
from service.http.keys import Keyring, KeyScope
from service.http.middleware import MiddlewareOptions, RequestMiddleware
from service.http.problems import Problem
from service.http.routes import Routes
from service.queue.shared_call import SharedCall
from service.routing import TaskRouting
from service.settings import Settings
from service.telemetry import metrics
from service.telemetry.metrics_page import metrics_page
from service.telemetry.tracing import load_tracer, require_exporter, traced

ALWAYS: tuple[type[Dialect], ...] = (NativeDialect,)
"""The dialects that need not be configured."""

_MAX_OTHER_VALUES = 10_000  # JSON values of a body besides its texts
_CLOSE_S = 0.2  # for clients that keep connections open to notice that the server closes them
_SERVER_ERRORS = (
    SeqserveError,
    UnavailableError,
    NotReady,
    Draining,
    Overloaded,
    DeadlineExceeded,
)


class Application:
    """ASGI application with one engine client and one queue per task.

    `admin` is the application of the second port, for operators.

    Args:
        settings: Limits and timeouts.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if settings.otlp_endpoint is not None:
            require_exporter()
        self.core = Core(settings)
        self.canaries: dict[Task, Canary] = {}
        self._is_draining = False
        bodies = BodyReader(settings.max_body_bytes, settings.max_texts + _MAX_OTHER_VALUES)
        kinds = [*ALWAYS, *(DIALECTS[name] for name in settings.dialects)]
        dialects = [kind(self.core, bodies, settings) for kind in kinds]
        self._dialects = dialects
        page = page_routes() if settings.demo else []
        api = [route for dialect in dialects for route in dialect.routes()]
        health = self._health_routes()
        routes = Routes(
            [
                *api,
                *_documentation(settings, dialects),
                *(health if settings.admin_port is None else []),
                *page,
            ],
            [docs_assets()],
        )
        open_paths = {path for dialect in dialects for path in dialect.open_paths}
        guarded = [route for route in api if route.path not in open_paths]
        self._options = _middleware_options(settings, guarded=guarded, page=page)
        styles = [dialect.style for dialect in dialects]
        self._middleware = RequestMiddleware(routes, routes.template_of, self._options, styles)
        self.models = ModelAdministration(self.core, bodies)
        self._admin_keyring = admin_keyring(settings)
        changing = self.models.routes() if may_change_models(settings) else []
        admin = Routes([*health, *changing])
        options = MiddlewareOptions(self._admin_keyring)
        self.admin = RequestMiddleware(admin, admin.template_of, options)
        self._metrics_page = SharedCall(lambda: asyncio.to_thread(metrics_page), fresh_s=0.0)
        self._watching: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self._middleware(scope, receive, send)

    def start(
        self,
        engines: Mapping[Task, EngineBackend],
        request_restart: Callable[[str], None] | None = None,
    ) -> None:
        """Start to connect to the engines of every task; they may still be loading.

        Raises:
            ConfigError: The file of keys is malformed.
        """
        loop = asyncio.get_running_loop()
        for keyring in (self._options.keyring, self._admin_keyring):
            if keyring is not None:
                keyring.load()
                self._watching.append(loop.create_task(keyring.watch()))
        tracer = load_tracer(self._settings.otlp_endpoint, self._settings.trace_sample)
        self._options.tracer = tracer
        for dialect in self._dialects:
            _declare_errors(dialect)
        for task, backend in engines.items():
            client = EngineClient(
                task,
                backend,
                self._settings.ping_timeout_ms / 1000,
                self._settings.routing.get(task, TaskRouting()).names,
                self._settings.max_loaded_models,
            )
            call = traced(tracer, task, client.predict) if tracer else client.predict
            self.core.tasks.add(task, client, call, self._settings.batch_limits(task))
            timeout_s = self._settings.timeout_ms(task) / 1000
            queue = self.core.queues[task]
            self.canaries[task] = Canary(task, client, queue, timeout_s, request_restart)
            client.connect()
            self.canaries[task].start()
        if every_s := self._settings.watch_s:
            watch = watch_folder(self._settings.bundles_dir, every_s, self.models.reload)
            self._watching.append(loop.create_task(watch))

    async def wait_until_up(self, seconds: float) -> None:
        """Return when all engines answer, or after the given time.

        A gateway that restarts beside running engines refuses no request that way.
        """
        end = asyncio.get_running_loop().time() + seconds
        while not all(client.is_up for client in self.core.engines.values()):
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(_CLOSE_S / 10)

    async def drain(self) -> None:
        """Report not ready, refuse new requests after the delay, and wait for the accepted ones."""
        self._is_draining = self._middleware.is_closing = True
        await asyncio.sleep(self._settings.drain_delay_ms / 1000)
        self._refuse()
        await asyncio.sleep(_CLOSE_S)
        while self._middleware.n_in_flight:
            await asyncio.sleep(_CLOSE_S / 10)

    @property
    def n_in_flight(self) -> int:
        """The number of requests that are not answered yet."""
        return self._middleware.n_in_flight

    def _refuse(self) -> None:
        self._is_draining = self.core.is_draining = self._middleware.is_closing = True

    async def stop(self) -> None:
        """Refuse new requests and disconnect from the engines."""
        self._refuse()
        for canary in self.canaries.values():
            await canary.stop()
        for watching in self._watching:
            watching.cancel()
        await self.core.shadow.stop()
        for client in self.core.engines.values():
            await client.close()
        metrics.flush_counters()
        if self._options.tracer is not None:
            await asyncio.to_thread(self._options.tracer.flush)

    def _health_routes(self) -> list[Route]:
        return [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]

    async def _livez(self, request: Request) -> Response:
        return _json({"status": "alive"})

    async def _readyz(self, request: Request) -> Response:
        if self._is_draining:
            raise Draining("The server is shutting down.")
        clients = self.core.engines
        reasons = await asyncio.gather(*(client.ping() for client in clients.values()))
        faults = [
            f"{task}: {fault}"
            for task, reason in zip(clients, reasons, strict=True)
            if (fault := reason or self.canaries[task].fault)
        ]
        if faults:
            raise NotReady("; ".join(faults) + ".")
        return _json({"status": "ready"})

    async def _metrics(self, request: Request) -> Response:
        self._middleware.export_gauges()
        self.core.tasks.export_gauges()
        metrics.flush_counters()
        page, content_type = await self._metrics_page()
        return Response(page, media_type=content_type)


def _declare_errors(dialect: Dialect) -> None:
    """Create the series of the errors of an API: they must begin at 0 for a rate to see the first error."""
    paths = [route.path for route in dialect.routes() if "POST" in (route.methods or ())]
    for error in _SERVER_ERRORS:
        problem = Problem(error.title, error.status, error.code, "", "", {})
        status = dialect.write_problem(problem).status_code
        for path in paths:
            metrics.requests(path, status, error.code, dialect.name)


def _documentation(settings: Settings, dialects: Sequence[Dialect]) -> list[Route]:
    """Return the routes of the documentation: one page for each API."""
    key_scope: KeyScope | None = settings.api_keys_scope if settings.api_keys_file else None
    has_health = settings.admin_port is None
    native = build_document(
        served_schemas(settings), key_scope, has_health=has_health, settings=settings
    )
    routes = docs_routes(native)
    for dialect in dialects:
        if dialect.name != NATIVE:
            routes += docs_routes(build_dialect_document(dialect), dialect.prefix)
    return routes


def _middleware_options(
    settings: Settings, guarded: Sequence[Route], page: Sequence[Route]
) -> MiddlewareOptions:
    """Return the options of the middleware: guarded routes require keys, those of the page do not."""
    keyring = hosts = cors = None
    if settings.api_keys_file is not None:
        keyring = Keyring(
            settings.api_keys_file,
            settings.api_keys_scope,
            open_paths=frozenset(route.path for route in page),
            guarded_routes=frozenset(route.path for route in guarded),
        )
    if settings.cors_origins:
        cors = Cors(settings.cors_origins)
    if "*" not in settings.allowed_hosts:
        hosts = AllowedHosts(settings.allowed_hosts)
    return MiddlewareOptions(keyring, hosts, cors, log_share=settings.log_sample)


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
