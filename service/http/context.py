"""The state of one HTTP request: the middleware creates it, handlers fill it, the middleware reports it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from service.telemetry.tracing import Span

UNKNOWN_ROUTE = "unknown"
NATIVE = "native"
"""The `dialect` of a request to the server's own API, and to everything that belongs to no API."""
CONTEXT_KEY = "seqserve.context"  # in the ASGI scope


@dataclass
class RequestContext:
    """The state of a request.

    Args:
        request_id: From the request's header, or generated.
        route: The template of the route.
        headers: By name in lower case; the last of a name.
        started: Time of `time.perf_counter` at which the request came in.
        status: Of the response.
        code: `ok`, or the code of the error.
        dialect: The API that the route belongs to.
        key: Name of the API key.
        check_body_key: Checks the key in the body of a request that needs one and has none elsewhere; it may
            not be answered before.
        span: The span of the trace.
        is_last: Whether the connection closes after the response.
        stages_ms: Milliseconds by stage, for `Server-Timing`.
        cache: How many of the texts had a result in the cache, for `Server-Timing`; empty without a cache.
        log_fields: Further fields of the log line.
        after_response: Called when a successful response has been sent.
    """

    request_id: str
    route: str = UNKNOWN_ROUTE
    headers: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    started: float = field(default_factory=time.perf_counter)
    status: int = 500
    code: str = "internal"
    dialect: str = NATIVE
    key: str | None = None
    check_body_key: Callable[[bytes | None], str] | None = None
    span: Span | None = None
    is_last: bool = False
    stages_ms: dict[str, float] = field(default_factory=dict)
    cache: str = ""
    log_fields: dict[str, object] = field(default_factory=dict)
    after_response: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def admit(self, key: bytes | None) -> None:
        """Check the key that was found in the body, if the request still needs one.

        Raises:
            MissingKey: There is none.
            UnknownKey: It is not known.
            RateLimited: It has used up its requests of this minute.
        """
        if self.check_body_key is not None:
            self.key = self.check_body_key(key)
            self.check_body_key = None

    def elapsed_ms(self) -> float:
        """Return the milliseconds since the request came in."""
        return (time.perf_counter() - self.started) * 1000


def context_of(request: Request) -> RequestContext:
    """Return the context that the middleware made for this request."""
    context: RequestContext = request.scope[CONTEXT_KEY]
    return context
