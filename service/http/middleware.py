"""The outermost layer of the HTTP surface: what holds for every route and every error.

It gives each request an id and a start time, checks its key, turns every exception into a response, counts the
request and writes its log line. It knows no task.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seqserve.errors import Draining
from service.http.context import CONTEXT_KEY, UNKNOWN_ROUTE, RequestContext
from service.http.cors import Cors, RawHeaders, preflight
from service.http.hosts import AllowedHosts
from service.http.keys import Keyring
from service.http.problems import problem_of
from service.http.styles import NATIVE_STYLE, ApiStyle
from service.telemetry import metrics
from service.telemetry.logs import is_logged, is_sampled, log_request
from service.telemetry.tracing import Tracer

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
_QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_GONE = 499  # nginx's status for a client that closed the connection


@dataclass
class MiddlewareOptions:
    """What an operator can configure; by default nothing is.

    Args:
        keyring: Checks API keys.
        hosts: Checks the host that a request names.
        cors: Lets pages of other origins read the responses.
        tracer: Makes a span of every request.
        log_share: Share of the successful requests that are logged, from 0 to 1.
    """

    keyring: Keyring | None = None
    hosts: AllowedHosts | None = None
    cors: Cors | None = None
    tracer: Tracer | None = None
    log_share: float = 1.0


class RequestMiddleware:
    """ASGI middleware around the router. No exception of a handler leaves it.

    Args:
        app: A router that raises `HTTPException` for unknown routes and methods.
        template_of: Returns the template of a path's route; None where there is no route.
        options: Keys, cross-origin requests, traces, logs.
        styles: What differs between APIs; an API is all paths below `/` and its name, known or not.
    """

    def __init__(
        self,
        app: ASGIApp,
        template_of: Callable[[str], str | None],
        options: MiddlewareOptions | None = None,
        styles: Iterable[ApiStyle] = (),
    ) -> None:
        self._app = app
        self._template_of = template_of
        self._options = options or MiddlewareOptions()
        self._styles = {style.dialect: style for style in styles}
        self._n_in_flight: Counter[tuple[str, str]] = Counter()  # by route and dialect
        self.is_closing = False  # every response closes its connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, whatever happens."""
        context = self._open(scope)
        has_started = is_read = False

        async def receive_observed() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not message.get("more_body", False)
            return message

        async def send_with_headers(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                context.status = message["status"]
                headers = self._response_headers(context)
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        # Starlette's router raises, instead of responding, if the scope has an "app".
        inner = {**scope, "app": self, CONTEXT_KEY: context}
        try:
            self._n_in_flight[context.route, context.dialect] += 1
            await self._answer(context, inner, receive_observed, send_with_headers)
            context.code = "ok"
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError):  # by the server: the grace period is over
                error = Draining("The server shut down before the answer was there.")
            response = self._error_response(error, context)
            context.is_last = not is_read and _has_body(context.headers)
            if not has_started:
                await response(inner, receive, send_with_headers)
        finally:
            self._n_in_flight[context.route, context.dialect] -= 1
            self._report(context, scope["method"])
        if context.code == "ok" and not self.is_closing:
            for follow in context.after_response:
                follow()

    @property
    def n_in_flight(self) -> int:
        """The number of requests that are not answered yet."""
        return self._n_in_flight.total()

    def export_gauges(self) -> None:
        """Set the gauges. The metrics page calls this, so that it costs a request nothing."""
        for (route, dialect), n_requests in self._n_in_flight.items():
            metrics.of_route(route, dialect).in_flight.set(n_requests)

    def _open(self, scope: Scope) -> RequestContext:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        route = self._template_of(scope["path"]) or UNKNOWN_ROUTE
        context = RequestContext(_request_id(headers.get(b"x-request-id")), route, headers)
        if (name := scope["path"][1:].partition("/")[0]) in self._styles:
            context.dialect = name
        if (tracer := self._options.tracer) and route not in _QUIET_ROUTES:
            context.span = tracer.begin_request(f"{_known(scope['method'])} {route}", headers)
        return context

    async def _answer(
        self, context: RequestContext, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Apply the operator's options, then route the request."""
        options = self._options
        if options.hosts:
            options.hosts.check(scope["path"], context.headers.get(b"host", b""))
        if options.cors and (response := preflight(scope["method"], context.headers)):
            await response(scope, receive, send)
            return
        if options.keyring:
            self._check_key(options.keyring, context, scope)
        await self._app(scope, receive, send)

    def _check_key(self, keyring: Keyring, context: RequestContext, scope: Scope) -> None:
        """Check the key of a request; leave it to its handler if the key may be in the body.

        Raises:
            InputError, RateLimited: As for `Keyring.check`.
        """
        if not keyring.requires_key(scope["path"], context.route):
            return
        form = self._style_of(context).key
        given = form.find(context.headers, scope["query_string"])
        if given is None and form.body_field and _has_body(context.headers):
            context.check_body_key = partial(keyring.check, hint=form.hint)
        else:
            context.key = keyring.check(given, form.hint)

    def _style_of(self, context: RequestContext) -> ApiStyle:
        return self._styles.get(context.dialect, NATIVE_STYLE)

    def _error_response(self, error: Exception, context: RequestContext) -> Response:
        if isinstance(error, ClientDisconnect):
            context.code, context.status = "client_gone", _CLIENT_GONE
            return Response(status_code=_CLIENT_GONE)
        problem = problem_of(error, context)
        context.code = problem.code
        return self._style_of(context).write_problem(problem)

    def _response_headers(self, context: RequestContext) -> RawHeaders:
        """Return the headers that every response has."""
        stages = [f"{stage};dur={ms:.2f}" for stage, ms in context.stages_ms.items()]
        if context.cache:
            stages.append(f'cache;desc="{context.cache}"')
        timing = ", ".join([*stages, f"total;dur={context.elapsed_ms():.2f}"])
        headers = [
            (b"x-request-id", context.request_id.encode()),
            (b"server-timing", timing.encode()),
        ]
        if self._options.cors:
            headers += self._options.cors.headers(context.headers.get(b"origin"))
        if self.is_closing or context.is_last:  # the rest of an unread body is no next request
            headers.append((b"connection", b"close"))
        return headers

    def _report(self, context: RequestContext, method: str) -> None:
        """Count the request, end its span and write its log line."""
        elapsed_ms = context.elapsed_ms()
        labels = (context.route, context.status, context.code, context.dialect)
        metrics.requests(*labels).inc()
        metrics.of_route(context.route, context.dialect).seconds.observe(elapsed_ms / 1000)
        if context.span is not None:
            is_failure = context.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            context.span.end(_attributes(context, method), is_failure=is_failure)
        is_success = context.status < HTTPStatus.BAD_REQUEST
        level = logging.DEBUG if is_success and context.route in _QUIET_ROUTES else logging.INFO
        if is_logged(level) and (
            not is_success or is_sampled(context.request_id, self._options.log_share)
        ):
            log_request(level, _log_line(context, method, elapsed_ms))


def _has_body(headers: Mapping[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _request_id(given: bytes | None) -> str:
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"{random.getrandbits(128):032x}"


def _known(method: str) -> str:
    return method if method in _METHODS else "other"


def _attributes(context: RequestContext, method: str) -> dict[str, str | int]:
    """Return the attributes of a request's span."""
    attributes: dict[str, str | int] = {
        "http.request.method": _known(method),
        "http.route": context.route,
        "seqserve.dialect": context.dialect,
        "http.response.status_code": context.status,
        "seqserve.code": context.code,
        "seqserve.request_id": context.request_id,
    }
    for name, value in context.log_fields.items():
        if isinstance(value, str | int):
            attributes[f"seqserve.{name}"] = value
    return attributes


def _log_line(context: RequestContext, method: str, elapsed_ms: float) -> dict[str, object]:
    line: dict[str, object] = {
        "request_id": context.request_id,
        "method": _known(method),
        "route": context.route,
        "dialect": context.dialect,
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
