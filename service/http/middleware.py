"""The outermost layer of the HTTP surface: what holds for every route and every error.

It gives each request an id and a stop-watch, asks for its key, turns every exception into
problem+json, counts the request and writes its log line. It knows no task.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqserve.errors import (
    DeadlineExceeded,
    Draining,
    InputError,
    MethodNotAllowed,
    MissingKey,
    NotFound,
    SeqserveError,
    UnavailableError,
    UnsupportedMediaType,
)
from service.http.cors import Cors, RawHeaders, preflight
from service.http.keys import Keyring
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger, is_logged, is_sampled, log_request
from service.telemetry.tracing import Span, Tracer

UNKNOWN_ROUTE = "unknown"
INTERNAL_SENTENCE = (
    "Something went wrong on our side; the log has the details under this request id."
)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
_QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OURS = HTTPStatus.INTERNAL_SERVER_ERROR  # and above: not the caller's fault
_CLIENT_GONE = 499  # what nginx calls it; nobody is there to read it


class TextFailed(SeqserveError):
    """An engine failed on one text; the message names the text and is public."""


@dataclass
class RequestContext:
    """What is known about the request in flight; handlers fill it, the edge reports it."""

    request_id: str
    route: str = UNKNOWN_ROUTE
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)  # the last of a name
    started: float = field(default_factory=time.perf_counter)
    status: int = 500
    code: str = "internal"
    key: str | None = None
    span: Span | None = None
    is_last: bool = False  # of its connection
    stages_ms: dict[str, float] = field(default_factory=dict)
    log_fields: dict[str, object] = field(default_factory=dict)

    def elapsed_ms(self) -> float:
        """Milliseconds since the request came in."""
        return (time.perf_counter() - self.started) * 1000


def context_of(request: Request) -> RequestContext:
    """The exchange that the edge opened for this request."""
    context: RequestContext = request.scope["seqserve.exchange"]
    return context


@dataclass
class MiddlewareOptions:
    """What an operator may add to an edge; by default nothing is there.

    Args:
        keyring: Lets in who has a key.
        cors: Lets pages of other origins read the answers.
        tracer: Makes a span of every request.
        log_share: Of the requests that succeed, how many get a log line, from 0 to 1.
    """

    keyring: Keyring | None = None
    cors: Cors | None = None
    tracer: Tracer | None = None
    log_share: float = 1.0


class RequestMiddleware:
    """ASGI middleware around the router. Nothing that a handler raises gets past it.

    Args:
        app: A router that raises `HTTPException` for unknown routes and methods.
        routes: The route templates; any other path is reported as `unknown`.
        fittings: Keys and the like.
    """

    def __init__(
        self, app: ASGIApp, routes: frozenset[str], fittings: MiddlewareOptions | None = None
    ) -> None:
        self._app = app
        self._routes = routes
        self._fittings = fittings or MiddlewareOptions()
        self._n_in_flight: Counter[str] = Counter()
        self.is_closing = False  # every answer is the last one of its connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request, whatever happens."""
        context = self._open(scope)
        has_started = is_read = False

        async def receive_noting() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not message.get("more_body", False)
            return message

        async def send_stamped(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                context.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._stamps(context)]
            await send(message)

        # Starlette's router raises, rather than answers, when it finds an "app" in the scope.
        inner = {**scope, "app": self, "seqserve.exchange": context}
        try:
            self._count_in_flight(context.route, 1)
            await self._answer(context, inner, receive_noting, send_stamped)
            context.code = "ok"
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError):  # by the server: the grace is over
                error = Draining("The server shut down before the answer was there.")
            response = problem_response(error, context)
            context.is_last = not is_read and _has_body(context.headers)
            if not has_started:
                await response(inner, receive, send_stamped)
        finally:
            self._count_in_flight(context.route, -1)
            self._report(context, scope["method"])

    @property
    def n_in_flight(self) -> int:
        """Requests that are not answered yet."""
        return self._n_in_flight.total()

    def _open(self, scope: Scope) -> RequestContext:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path"]
        route = path if path in self._routes else UNKNOWN_ROUTE
        context = RequestContext(_request_id(headers.get(b"x-request-id")), route, headers)
        if (tracer := self._fittings.tracer) and route not in _QUIET_ROUTES:
            context.span = tracer.begin_request(f"{_known(scope['method'])} {route}", headers)
        return context

    async def _answer(
        self, context: RequestContext, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """What the operator has added comes before the router."""
        fittings = self._fittings
        if fittings.cors and (answer := preflight(scope["method"], context.headers)):
            await answer(scope, receive, send)
            return
        if fittings.keyring:
            authorization = context.headers.get(b"authorization")
            context.key = fittings.keyring.admit(scope["path"], authorization)
        await self._app(scope, receive, send)

    def _stamps(self, context: RequestContext) -> RawHeaders:
        """The headers of every answer."""
        stages = [f"{stage};dur={ms:.2f}" for stage, ms in context.stages_ms.items()]
        timing = ", ".join([*stages, f"total;dur={context.elapsed_ms():.2f}"])
        stamps = [
            (b"x-request-id", context.request_id.encode()),
            (b"server-timing", timing.encode()),
        ]
        if self._fittings.cors:
            stamps += self._fittings.cors.headers(context.headers.get(b"origin"))
        if self.is_closing or context.is_last:  # what still comes is no next request
            stamps.append((b"connection", b"close"))
        return stamps

    def _count_in_flight(self, route: str, change: int) -> None:
        self._n_in_flight[route] += change

    def export_gauges(self) -> None:
        """Sets the gauges; done for every page of metrics, it costs a request nothing."""
        for route, n_requests in self._n_in_flight.items():
            metrics.of_route(route).in_flight.set(n_requests)

    def _report(self, context: RequestContext, method: str) -> None:
        """Counts the request, ends its span and writes its log line."""
        elapsed_ms = context.elapsed_ms()
        metrics.requests(context.route, context.status, context.code).inc()
        metrics.of_route(context.route).seconds.observe(elapsed_ms / 1000)
        if context.span is not None:
            context.span.end(_attributes(context, method), is_failure=context.status >= _OURS)
        is_fine = context.status < HTTPStatus.BAD_REQUEST
        level = logging.DEBUG if is_fine and context.route in _QUIET_ROUTES else logging.INFO
        if is_logged(level) and (
            not is_fine or is_sampled(context.request_id, self._fittings.log_share)
        ):
            log_request(level, _line(context, method, elapsed_ms))


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _request_id(given: bytes | None) -> str:
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"{random.getrandbits(128):032x}"


def _known(method: str) -> str:
    return method if method in _METHODS else "other"


def _attributes(context: RequestContext, method: str) -> dict[str, str | int]:
    """What a trace says about a request."""
    attributes: dict[str, str | int] = {
        "http.request.method": _known(method),
        "http.route": context.route,
        "http.response.status_code": context.status,
        "seqserve.code": context.code,
        "seqserve.request_id": context.request_id,
    }
    for name, value in context.log_fields.items():
        if isinstance(value, str | int):
            attributes[f"seqserve.{name}"] = value
    return attributes


def _line(context: RequestContext, method: str, elapsed_ms: float) -> dict[str, object]:
    """What the log says about a request."""
    line: dict[str, object] = {
        "request_id": context.request_id,
        "method": _known(method),
        "route": context.route,
        "status": context.status,
        "code": context.code,
        "duration_ms": round(elapsed_ms, 2),
    }
    if context.key is not None:
        line["key"] = context.key
    if context.span is not None:
        line["trace_id"] = context.span.trace_id
    for stage, ms in context.stages_ms.items():
        line[f"{stage}_ms"] = round(ms, 2)
    return line | context.log_fields


def _as_ours(error: Exception) -> SeqserveError | None:
    """The error of our tree that says the same, or None where there is none."""
    if isinstance(error, SeqserveError):
        return error
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("No such route; /docs lists what there is.")
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(f"This route allows: {allowed}.")
    return None


def problem_response(error: Exception, context: RequestContext) -> Response:
    """The problem+json answer to an exception; what it hides is in the log."""
    if isinstance(error, ClientDisconnect):
        context.code, context.status = "client_gone", _CLIENT_GONE
        return Response(status_code=_CLIENT_GONE)
    known = _as_ours(error) or SeqserveError()
    context.code = known.code
    is_public = isinstance(known, (InputError, UnavailableError, TextFailed))
    detail = str(known) if is_public else INTERNAL_SENTENCE
    if not is_public:
        get_logger().error(
            "failure", request_id=context.request_id, route=context.route, **failure_fields(error)
        )
    problem = {
        "type": "about:blank",
        "title": known.title,
        "status": known.status,
        "code": known.code,
        "detail": detail,
        "request_id": context.request_id,
    }
    return Response(
        orjson.dumps(problem), known.status, _hints(error, known), "application/problem+json"
    )


def _hints(error: Exception, known: SeqserveError) -> dict[str, str]:
    """Headers that say what to do about an error."""
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    if isinstance(known, MissingKey):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(known, UnsupportedMediaType):
        return {"Accept-Encoding": "gzip"}
    if isinstance(known, UnavailableError) and not isinstance(known, DeadlineExceeded):
        return {"Retry-After": str(known.retry_after_s)}
    return {}
