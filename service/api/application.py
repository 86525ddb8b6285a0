"""The routes: from a request to items, through the queue, and back to JSON.

The whole HTTP surface is this one ASGI application. It does not use `@bentoml.api` routes: those
answer errors in four shapes of their own, accept bodies without bound, and cost more per request.
app.py puts it in front of BentoML's own application, so that nothing of that one is reachable from
outside.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from seqserve.errors import (
    DeadlineExceeded,
    Draining,
    InputError,
    NotReady,
    Overloaded,
    SeqserveError,
    UnavailableError,
)
from seqserve.tasks import TASKS
from seqserve.tasks import Task as TaskName
from service.api.demo import page_routes
from service.api.openapi import build_document
from service.api.swagger import docs_assets, docs_routes
from service.api.tasks import TASKS as ROUTES
from service.api.tasks import Plan, Task, parse_request
from service.engines import messages
from service.engines.canary import Canary
from service.engines.client import EngineBackend, EngineClient
from service.http.body import read_json
from service.http.cors import Cors
from service.http.interruption import Guard
from service.http.keys import Keyring, KeyScope
from service.http.middleware import (
    INTERNAL_SENTENCE,
    MiddlewareOptions,
    RequestContext,
    RequestMiddleware,
    TextFailed,
    context_of,
)
from service.http.routes import Routes
from service.queue.batcher import Answer, Batcher
from service.queue.lengths import estimate_tokens
from service.queue.pending import ItemError
from service.settings import Settings
from service.telemetry import metrics
from service.telemetry.metrics_page import metrics_page
from service.telemetry.tracing import load_tracer, require_exporter, traced

_SETTLE_S = 0.2  # in which clients that keep connections open hear that this one closes
_UNSERVED = (  # errors that are not the caller's
    SeqserveError,
    UnavailableError,
    NotReady,
    Draining,
    Overloaded,
    DeadlineExceeded,
)


class Application:
    """One link and one queue per task, and the routes over them.

    `admin` answers what is served on the second port, where there is one.

    Args:
        settings: Limits and timeouts.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if settings.otlp_endpoint is not None:
            require_exporter()
        self.links: dict[TaskName, EngineClient] = {}
        self.queues: dict[TaskName, Batcher[messages.InferenceItem, messages.InferenceResult]] = {}
        self.canaries: dict[TaskName, Canary] = {}
        self._is_draining = False
        self._is_refusing = False
        self._tasks = [task for task in ROUTES if task.name in settings.tasks]
        document = build_document(
            self._tasks, _key_scope(settings), has_health=settings.admin_port is None
        )
        routes = [
            Route(task.path, partial(self._predict, task), methods=["POST"]) for task in self._tasks
        ]
        routes += [Route("/v1/models", self._models), *docs_routes(orjson.dumps(document))]
        health = [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        if settings.admin_port is None:
            routes += health
        page = page_routes() if settings.demo else []
        routes += page
        self._fittings = _fittings(settings, frozenset(route.path for route in page))
        self._edge = _edge(routes, [docs_assets()], self._fittings)
        self.admin = _edge(health, [], MiddlewareOptions())
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        await self._edge(scope, receive, send)

    def start(
        self,
        engines: Mapping[TaskName, EngineBackend],
        request_restart: Callable[[str], None] | None = None,
    ) -> None:
        """Begins to look for the engines of every task; they may still be loading.

        Raises:
            ConfigError: the file of keys is damaged.
        """
        if keyring := self._fittings.keyring:
            keyring.load()
            self._watching = asyncio.get_running_loop().create_task(keyring.watch())
        tracer = load_tracer(self._settings.otlp_endpoint, self._settings.trace_sample)
        self._fittings.tracer = tracer
        for task in self._tasks:
            for error in _UNSERVED:  # a rate does not see a series begin: it begins at 0
                metrics.requests(task.path, error.status, error.code)
        for name, behind in engines.items():
            link = EngineClient(name, behind, self._settings.ping_timeout_ms / 1000)
            self.links[name] = link
            call = traced(tracer, name, link.predict) if tracer else link.predict
            limits = self._settings.batch_limits(name)
            self.queues[name] = Batcher(name, call, link.cancel, limits)
            timeout_s = self._settings.timeout_ms(name) / 1000
            self.canaries[name] = Canary(name, link, self.queues[name], timeout_s, request_restart)
            link.connect()
            self.canaries[name].start()

    async def wait_until_up(self, seconds: float) -> None:
        """Returns when all engines answer, or when the time is over.

        A gateway that comes back to engines that are there refuses nobody that way.
        """
        end = asyncio.get_running_loop().time() + seconds
        while not all(link.is_up for link in self.links.values()):
            if asyncio.get_running_loop().time() > end:
                return
            await asyncio.sleep(_SETTLE_S / 10)

    async def drain(self) -> None:
        """Is not ready from now on, soon refuses what is new, and waits for what was accepted."""
        self._is_draining = self._edge.is_closing = True  # clients that go on find another server
        await asyncio.sleep(self._settings.drain_delay_ms / 1000)
        self._refuse()
        await asyncio.sleep(_SETTLE_S)
        while self._edge.n_in_flight:
            await asyncio.sleep(_SETTLE_S / 10)

    def _refuse(self) -> None:
        self._is_draining = self._is_refusing = self._edge.is_closing = True

    async def stop(self) -> None:
        """Refuses new requests and stops looking for engines."""
        self._refuse()
        for canary in self.canaries.values():
            await canary.stop()
        if self._watching is not None:
            self._watching.cancel()
        for link in self.links.values():
            await link.close()
        metrics.flush_counters()
        if self._fittings.tracer is not None:
            await asyncio.to_thread(self._fittings.tracer.flush)

    async def _predict(self, task: Task, request: Request) -> Response:
        if self._is_refusing:
            raise Draining("The server is shutting down.")
        context = context_of(request)
        # The loop's clock is that of `time.monotonic`, which the engines go by.
        deadline = asyncio.get_running_loop().time() + self._timeout_s(task, context)
        link = self.links[task.name]
        link.require_up()
        with Guard(request.receive, deadline) as guard:
            document = await read_json(request, self._settings.max_body_bytes)
            guard.note_body()
            parsed = parse_request(task, document, self._settings)
            plan = task.plan(parsed, link.models, self._settings)
            items = _works(plan, context, deadline)
            pre_ms = context.elapsed_ms()
            try:
                answer = await self.queues[task.name].submit(items, deadline)
            except ItemError as failure:
                raise _for_caller(failure) from failure.error
        return _respond(task, plan, answer, context, pre_ms)

    def _timeout_s(self, task: Task, context: RequestContext) -> float:
        given = context.headers.get(b"x-timeout-ms")
        if given is None:
            return self._settings.timeout_ms(task.name) / 1000
        if not (given.isdigit() and len(given) <= 20 and int(given) > 0):
            raise InputError("X-Timeout-Ms: must be a whole number of milliseconds above 0.")
        return min(int(given), self._settings.max_timeout_ms) / 1000

    async def _models(self, request: Request) -> Response:
        models = [model for link in self.links.values() for model in link.models]
        if not models:
            raise NotReady("No model is loaded yet.")
        return _json({"models": models})

    async def _livez(self, request: Request) -> Response:
        return _json({"status": "alive"})

    async def _readyz(self, request: Request) -> Response:
        if self._is_draining:
            raise Draining("The server is shutting down.")
        reasons = await asyncio.gather(*(link.ping() for link in self.links.values()))
        faults = [
            f"{name}: {fault}"
            for name, reason in zip(self.links, reasons, strict=True)
            if (fault := reason or self.canaries[name].fault)
        ]
        if faults:
            raise NotReady("; ".join(faults) + ".")
        return _json({"status": "ready"})

    async def _metrics(self, request: Request) -> Response:
        self._edge.export_gauges()
        for queue in self.queues.values():
            queue.export_gauges()
        metrics.flush_counters()
        page, content_type = await asyncio.to_thread(metrics_page)
        return Response(page, media_type=content_type)


def _edge(
    routes: list[Route], mounts: list[Mount], fittings: MiddlewareOptions
) -> RequestMiddleware:
    return RequestMiddleware(
        Routes(routes, mounts), frozenset(route.path for route in routes), fittings
    )


def _fittings(settings: Settings, open_paths: frozenset[str]) -> MiddlewareOptions:
    """What the settings add to the edge."""
    keyring, cors = None, None
    if settings.api_keys_file is not None:
        keyring = Keyring(settings.api_keys_file, settings.api_keys_scope, open_paths=open_paths)
    if settings.cors_origins:
        cors = Cors(settings.cors_origins)
    return MiddlewareOptions(keyring, cors, log_share=settings.log_sample)


def _key_scope(settings: Settings) -> KeyScope | None:
    return None if settings.api_keys_file is None else settings.api_keys_scope


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")


def _works(
    plan: Plan, context: RequestContext, deadline: float
) -> list[tuple[messages.InferenceItem, int]]:
    """What the queue takes: a text and about how many tokens it has, a row for every beam."""
    traceparent = context.span.traceparent if context.span else ""
    queued_ns = time.time_ns() if traceparent else 0
    return [
        (
            messages.InferenceItem(
                context.request_id,
                plan.model.name,
                item,
                deadline,
                traceparent=traceparent,
                queued_ns=queued_ns,
            ),
            estimate_tokens(item["text"]) * item.get("beam_size", 1),
        )
        for item in plan.items
    ]


def _for_caller(failure: ItemError) -> InputError | TextFailed:
    """The error of a text, with the index of the text in front."""
    where = f"text[{failure.index}]"
    if isinstance(failure.error, InputError):
        return type(failure.error)(f"{where}: {failure.error}")
    return TextFailed(f"{where} could not be processed. {INTERNAL_SENTENCE}")


def _respond(
    task: Task,
    plan: Plan,
    answer: Answer[messages.InferenceResult],
    context: RequestContext,
    pre_ms: float,
) -> Response:
    """The JSON answer; notes down the stages and the usage on the way."""
    started = time.perf_counter()
    n_tokens = sum(done.n_tokens for done in answer.results)
    body = orjson.dumps(
        {
            "model": plan.model.name,
            "version": plan.model.version,
            "results": [
                TASKS[task.name].requested(done.fields, item)
                for done, item in zip(answer.results, plan.items, strict=True)
            ],
            "usage": {"n_texts": len(answer.results), "n_tokens": n_tokens},
        }
    )
    context.log_fields = {
        "model": plan.model.name,
        "n_texts": len(answer.results),
        "n_tokens": n_tokens,
    }
    context.stages_ms = {
        "queue": answer.queue_s * 1000,
        "pre": pre_ms,
        "model": answer.engine_s * 1000,
        "post": (time.perf_counter() - started) * 1000,
    }
    series = metrics.of_task(task.name)
    series.texts.inc(len(answer.results))
    series.tokens.inc(n_tokens)
    series.characters.inc(sum(len(item["text"]) for item in plan.items))
    for stage, duration_ms in context.stages_ms.items():
        series.stages[stage].observe(duration_ms / 1000)
    return Response(body, media_type="application/json")
