"""Distributed traces over OpenTelemetry, off by default.

A request is a span. Below it are a `queue` and a `call` span for every batch that held its texts, and
below the call, in the runner's process, an `engine` span. The parent's id travels with each text
(`TracedItem.traceparent`). Spans carry counts, names and codes, never a text or a key. OpenTelemetry is
imported only when a tracer is constructed.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

from seqserve.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span as OtelSpan

R = TypeVar("R")
Attributes = Mapping[str, str | int | float]


class TracedItem(Protocol):
    """What a text carries for its spans.

    Args:
        model: Id of the model that is to answer.
        traceparent: Of the parent span, in W3C's form; empty if the request is not traced.
        queued_ns: When it was queued, in nanoseconds since 1970.
    """

    model: str
    traceparent: str
    queued_ns: int


I = TypeVar("I", bound=TracedItem)  # noqa: E741

_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
_PATH = "/v1/traces"  # by the OTLP standard
_SEND_EVERY_MS = 1000
_MAX_QUEUE = 2048  # spans; more are dropped
_TIMEOUT_S = 2.0
_NS = 10**9


class Span:
    """A sampled span.

    Args:
        span: OpenTelemetry's span.
    """

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        context = span.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        self.traceparent = f"00-{self.trace_id}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, attributes: Attributes, *, is_failure: bool = False) -> None:
        """End the span now.

        Args:
            attributes: To be set on it.
            is_failure: Whether the server failed.
        """
        self._span.set_attributes(attributes)
        if is_failure:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Tracer:
    """Create the spans of this process, and send them from a thread within a second.

    Args:
        endpoint: URL of an OTLP collector that accepts protobuf over HTTP.
        share: Fraction of the requests without a `traceparent` that are traced, 0 to 1. The others are
            traced if their caller does.

    Raises:
        ConfigError: The exporter is not installed.
    """

    def __init__(self, endpoint: str, share: float) -> None:
        require_exporter()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        url = endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _PATH
        exporter = OTLPSpanExporter(url, timeout=_TIMEOUT_S)
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create({"service.name": "seqserve"}),
            shutdown_on_exit=False,  # never reached by a server that a signal ends
        )
        sender = BatchSpanProcessor(
            exporter,
            max_queue_size=_MAX_QUEUE,
            max_export_batch_size=_MAX_QUEUE,  # all at once, so that a flush waits for one time-out at most
            schedule_delay_millis=_SEND_EVERY_MS,
        )
        self._provider.add_span_processor(sender)
        self._tracer = self._provider.get_tracer("seqserve")
        self._propagator = TraceContextTextMapPropagator()
        self._kinds = SpanKind

    def begin_request(self, name: str, headers: Mapping[bytes, bytes]) -> Span | None:
        """Start the span of a request; None if it is not sampled."""
        carrier = {
            header: headers[header.encode()].decode("latin-1")
            for header in ("traceparent", "tracestate")
            if header.encode() in headers
        }
        context = self._propagator.extract(carrier)
        span = self._tracer.start_span(name, context, self._kinds.SERVER)
        return Span(span) if span.is_recording() else None

    def begin_calls(self, task: str, items: Sequence[TracedItem]) -> dict[str, Span]:
        """End the `queue` spans of a batch's texts, and start their `call` spans.

        Returns:
            By the `traceparent` of a request, its `call` span.
        """
        spans: dict[str, Span] = {}
        for item in items:
            if item.traceparent and item.traceparent not in spans:
                parent = self._parent(item.traceparent)
                waiting = self._tracer.start_span("queue", parent, start_time=item.queued_ns)
                waiting.set_attribute("seqserve.task", task)
                waiting.end()
                call = self._tracer.start_span("call", parent, self._kinds.CLIENT)
                call.set_attributes({"seqserve.task": task, "seqserve.n_texts": len(items)})
                spans[item.traceparent] = Span(call)
        return spans

    def note_engine(self, task: str, items: Sequence[TracedItem], engine_s: float) -> None:
        """Add the `engine` spans of a batch that has just been computed."""
        now = time.time_ns()
        for traceparent in {item.traceparent for item in items if item.traceparent}:
            mine = [item for item in items if item.traceparent == traceparent]
            span = self._tracer.start_span(
                "engine",
                self._parent(traceparent),
                self._kinds.SERVER,
                start_time=now - int(engine_s * _NS),
            )
            span.set_attributes(
                {
                    "seqserve.task": task,
                    "seqserve.model": mine[0].model,
                    "seqserve.n_texts": len(items),
                    "seqserve.n_texts_of_request": len(mine),
                }
            )
            span.end(now)

    def _parent(self, traceparent: str) -> Context:
        return self._propagator.extract({"traceparent": traceparent})

    def flush(self) -> None:
        """Send the spans that have ended, or give up. To be called before the process ends."""
        self._provider.force_flush()


def require_exporter() -> None:
    """Check that tracing is installed.

    Raises:
        ConfigError: The exporter is not installed.
    """
    try:
        is_there = importlib.util.find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        raise ConfigError(
            "SEQSERVE_OTLP_ENDPOINT: tracing needs packages that are not installed; "
            "`pip install -r requirements/tracing.txt`"
        )


@cache
def load_tracer(endpoint: str | None, share: float) -> Tracer | None:
    """Return the tracer of this process, which is constructed once; None without an endpoint.

    Raises:
        ConfigError: As for `Tracer`.
    """
    return None if endpoint is None else Tracer(endpoint, share)


def traced(
    tracer: Tracer, task: str, call: Callable[[list[I]], Awaitable[R]]
) -> Callable[[list[I]], Awaitable[R]]:
    """Wrap a call to the engines, so that it creates spans for the requests whose texts are in it."""

    async def call_traced(items: list[I]) -> R:
        spans = tracer.begin_calls(task, items)
        if not spans:
            return await call(items)
        sent = [
            _with_parent(item, spans[item.traceparent]) if item.traceparent else item
            for item in items
        ]
        is_failure = True
        try:
            reply = await call(sent)
            is_failure = False
            return reply
        finally:
            for span in spans.values():
                span.end({}, is_failure=is_failure)

    return call_traced


def _with_parent(item: I, span: Span) -> I:
    child = copy(item)
    child.traceparent = span.traceparent
    return child
