"""Traces over OpenTelemetry: where the time of one request went, over all processes. Off by default.

A request is a span; under it a span of waiting and a span of calling for every batch that its texts
were in, and under the call, in the runner's process, one of the engine. The parent's name travels
with each text (`messages.Work.traceparent`). Spans carry counts, names and codes, never a text or a key.
Nothing of OpenTelemetry is imported before a tracer is made.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from seqserve.errors import ConfigError
from service.engines.messages import InferenceItem

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span as OtelSpan

R = TypeVar("R")
Attributes = Mapping[str, str | int | float]

_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
_PATH = "/v1/traces"  # where a collector takes them, by the standard
_SEND_EVERY_MS = 1000
_MAX_QUEUE = 2048  # spans; what is more is dropped
_TIMEOUT_S = 2.0
_NS = 10**9


class Span:
    """A span that is sampled, and so will be sent.

    Args:
        span: What OpenTelemetry gave.
    """

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        context = span.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        self.traceparent = f"00-{self.trace_id}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, attributes: Attributes, *, is_failure: bool = False) -> None:
        """Ends it now.

        Args:
            attributes: What has become known about it.
            is_failure: Whether we are to blame.
        """
        self._span.set_attributes(attributes)
        if is_failure:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Tracer:
    """Makes the spans of this process and sends them from a thread, a second later at most.

    Args:
        endpoint: URL of an OTLP collector that takes protobuf over HTTP.
        share: Of the requests that come without a `traceparent`, how many are traced, 0 to 1. The
            others are traced if their caller does.

    Raises:
        ConfigError: the exporter is not installed.
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
            shutdown_on_exit=False,  # servers that end by a signal do not come so far
        )
        sender = BatchSpanProcessor(
            exporter,
            max_queue_size=_MAX_QUEUE,
            max_export_batch_size=_MAX_QUEUE,  # all at once, so that one time-out is the longest wait
            schedule_delay_millis=_SEND_EVERY_MS,
        )
        self._provider.add_span_processor(sender)
        self._tracer = self._provider.get_tracer("seqserve")
        self._propagator = TraceContextTextMapPropagator()
        self._kinds = SpanKind

    def begin_request(self, name: str, headers: Mapping[bytes, bytes]) -> Span | None:
        """The span of a request, or None where it is not sampled."""
        carrier = {
            header: headers[header.encode()].decode("latin-1")
            for header in ("traceparent", "tracestate")
            if header.encode() in headers
        }
        context = self._propagator.extract(carrier)
        span = self._tracer.start_span(name, context, self._kinds.SERVER)
        return Span(span) if span.is_recording() else None

    def begin_calls(self, task: str, items: Sequence[InferenceItem]) -> dict[str, Span]:
        """Ends the waiting of a batch's texts, and begins their call.

        Returns:
            By the `traceparent` of a request, the span of the call that is made for it.
        """
        spans: dict[str, Span] = {}
        for work in items:
            if work.traceparent and work.traceparent not in spans:
                parent = self._parent(work.traceparent)
                waiting = self._tracer.start_span("queue", parent, start_time=work.queued_ns)
                waiting.set_attribute("seqserve.task", task)
                waiting.end()
                call = self._tracer.start_span("call", parent, self._kinds.CLIENT)
                call.set_attributes({"seqserve.task": task, "seqserve.n_texts": len(items)})
                spans[work.traceparent] = Span(call)
        return spans

    def note_engine(self, task: str, items: Sequence[InferenceItem], engine_s: float) -> None:
        """Makes the spans of an engine that has just finished a batch."""
        now = time.time_ns()
        for traceparent in {work.traceparent for work in items if work.traceparent}:
            mine = [work for work in items if work.traceparent == traceparent]
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
        """Waits until what has ended was sent, or cannot be. To be called before the process ends."""
        self._provider.force_flush()


def require_exporter() -> None:
    """Raises ConfigError: the exporter is not installed."""
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
    """The tracer of this process; None without an endpoint.

    Raises:
        ConfigError: as for `Tracer`.
    """
    return None if endpoint is None else Tracer(endpoint, share)


def traced(
    tracer: Tracer, task: str, call: Callable[[list[InferenceItem]], Awaitable[R]]
) -> Callable[[list[InferenceItem]], Awaitable[R]]:
    """A call to the engines that leaves spans for the requests whose texts are in it."""

    async def call_traced(items: list[InferenceItem]) -> R:
        spans = tracer.begin_calls(task, items)
        if not spans:
            return await call(items)
        sent = [
            replace(work, traceparent=spans[work.traceparent].traceparent)
            if work.traceparent
            else work
            for work in items
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
