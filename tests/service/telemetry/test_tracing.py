"""Traces: the tree of spans of a request over all processes, and no spans if tracing is off."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import ConfigError
from service.engines import codec, messages
from service.telemetry.tracing import Tracer, load_tracer, require_exporter, traced
from tests import fakes
from tests.collector import Collector, Received, collecting
from tests.service.conftest import Server, serving
from tests.serving import ROOT, running_server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
async def gateway(
    anyio_backend: str, bundles_dir: Path, collector: Collector
) -> AsyncIterator[Server]:
    collector.spans.clear()
    async with serving(bundles_dir, otlp_endpoint=collector.endpoint) as running:
        yield running


async def sent(collector: Collector) -> list[Received]:
    """Return all ended spans, once the collector has received them."""
    tracer = load_tracer(collector.endpoint, 1.0)
    assert tracer is not None
    await asyncio.to_thread(tracer.flush)
    return collector.spans


def check_tree(spans: list[Received], request: Received) -> list[Received]:
    """Verify the spans below a prediction, and return those of the engine."""
    below = [span for span in spans if span.parent == request.id]
    waits = [span for span in below if span.name == "queue"]
    calls = [span for span in below if span.name == "call"]
    assert len(below) == len(waits) + len(calls) and len(waits) == len(calls) > 0
    engines = [span for span in spans if span.parent in {call.id for call in calls}]
    assert [span.name for span in engines] == ["engine"] * len(calls)
    for span in (*below, *engines):
        assert span.trace == request.trace
        assert request.start <= span.start <= span.end <= request.end
    for engine in engines:
        (call,) = [call for call in calls if call.id == engine.parent]
        assert call.start <= engine.start <= engine.end <= call.end
    for wait, call in zip(waits, calls, strict=True):
        assert wait.end <= call.start
    return engines


@pytest.mark.anyio
async def test_the_spans_of_a_request(gateway: Server, collector: Collector) -> None:
    answer = await gateway.post("/v1/ner", {"text": ["Ann", "Bob"]}, x_request_id="an-id")
    spans = await sent(collector)
    (request,) = collector.named("POST /v1/ner")
    assert request.parent == "" and not request.is_failure
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/ner",
        "http.response.status_code": 200,
        "seqserve.code": "ok",
        "seqserve.dialect": "native",
        "seqserve.request_id": "an-id",
        "seqserve.model": "ner-en",
        "seqserve.version": "1.0.0",
        "seqserve.n_texts": 2,
        "seqserve.n_tokens": 2,
    }
    (engine,) = check_tree(spans, request)
    assert engine.attributes == {
        "seqserve.task": "ner",
        "seqserve.model": "ner-en@1.0.0",
        "seqserve.n_texts": 2,
        "seqserve.n_texts_of_request": 2,
    }
    assert len(spans) == 4
    assert collector.paths == {"/v1/traces"}
    assert answer.status_code == 200


@pytest.mark.anyio
async def test_requests_in_one_batch_have_a_tree_each(
    gateway: Server, collector: Collector
) -> None:
    gateway.engine("ner").may_go_on.clear()
    posts = []
    for text in ("first", ["a", "b"], "c"):
        posts.append(asyncio.create_task(gateway.post("/v1/ner", {"text": text})))
        await asyncio.sleep(0.02)
    gateway.engine("ner").may_go_on.set()
    await asyncio.gather(*posts)
    spans = await sent(collector)
    requests = collector.named("POST /v1/ner")
    assert len({request.trace for request in requests}) == 3
    engines = [engine for request in requests for engine in check_tree(spans, request)]
    shares = sorted(
        (one.attributes["seqserve.n_texts"], one.attributes["seqserve.n_texts_of_request"])
        for one in engines
    )
    assert shares == [(1, 1), (3, 1), (3, 2)]
    waits = sorted(span.end - span.start for span in collector.named("queue"))
    assert waits[-1] > 15e6 > waits[0]


@pytest.mark.anyio
async def test_the_callers_trace_goes_on(gateway: Server, collector: Collector) -> None:
    await gateway.post("/v1/translate", {"text": "a b"}, traceparent=CALLER, tracestate="k=v")
    await gateway.post("/v1/translate", {"text": "a b"}, traceparent=UNSAMPLED)
    await gateway.post("/v1/translate", {"text": "a b"}, traceparent="rubbish")
    spans = await sent(collector)
    mine, other = collector.named("POST /v1/translate")
    assert (mine.trace, mine.parent) == (TRACE, "00f067aa0ba902b7")
    assert (other.trace == TRACE, other.parent) == (False, "")
    check_tree(spans, mine)
    assert len(spans) == 8


ERRORS: list[Any] = [
    pytest.param([], {}, "invalid_field", False, id="caller"),
    pytest.param(fakes.POISON, {}, "internal", True, id="engine"),
    pytest.param(fakes.SLOW, {"x_timeout_ms": "20"}, "deadline_exceeded", True, id="deadline"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("text", "headers", "code", "is_failure"), ERRORS)
async def test_errors(
    gateway: Server,
    collector: Collector,
    text: Any,
    headers: dict[str, str],
    code: str,
    is_failure: bool,
) -> None:
    await gateway.post("/v1/ner", {"text": text}, **headers)
    await sent(collector)
    (request,) = collector.named("POST /v1/ner")
    assert request.attributes["seqserve.code"] == code
    assert request.is_failure == is_failure


@pytest.mark.anyio
async def test_probes_leave_no_span_and_texts_and_paths_no_trace(
    gateway: Server, collector: Collector
) -> None:
    collector.bodies.clear()
    for path in ("/livez", "/readyz", "/metrics", "/hunter2"):
        await gateway.client.get(path)
    await gateway.client.request("HUNTER2", "/v1/ner")
    for text in ("hunter2", f"{fakes.POISON} hunter2"):
        await gateway.post("/v1/ner", {"text": text}, authorization="Bearer hunter2")
    names = [span.name for span in await sent(collector) if span.name.isupper() or " " in span.name]
    assert sorted(names) == ["GET unknown", "POST /v1/ner", "POST /v1/ner", "other /v1/ner"]
    assert b"hunter2" not in b"".join(collector.bodies).lower()


@pytest.mark.anyio
async def test_a_call_that_breaks(collector: Collector) -> None:
    collector.spans.clear()
    tracer = load_tracer(collector.endpoint, 1.0)
    assert tracer is not None

    async def broken(items: list[messages.InferenceItem]) -> None:
        raise ConnectionError

    items = [messages.InferenceItem("id", "ner-en", {}, 0.0, traceparent=CALLER, queued_ns=1)]
    with pytest.raises(ConnectionError):
        await traced(tracer, "ner", broken)(items)
    await sent(collector)
    assert [span.is_failure for span in collector.named("call")] == [True]
    assert collector.named("queue")[0].start == 1


@pytest.mark.anyio
async def test_only_texts_that_are_traced_are_touched(collector: Collector) -> None:
    tracer = load_tracer(collector.endpoint, 1.0)
    assert tracer is not None
    seen: list[messages.InferenceItem] = []

    async def call(items: list[messages.InferenceItem]) -> None:
        seen.extend(items)

    plain = messages.InferenceItem("id", "ner-en", {}, 0.0)
    mine = messages.InferenceItem("id", "ner-en", {}, 0.0, traceparent=CALLER, queued_ns=1)
    await traced(tracer, "ner", call)([plain, mine])
    assert seen[0] is plain
    assert seen[1].traceparent.startswith(f"00-{TRACE}-") and seen[1].traceparent != CALLER
    assert codec.unpack_items(codec.pack_items(seen[1:]))[0].traceparent == seen[1].traceparent
    assert b"traceparent" not in codec.pack_items([plain])


def test_the_share_that_is_traced(collector: Collector) -> None:
    none = Tracer(f"{collector.endpoint}/v1/traces", 0.0)
    assert none.begin_request("GET /", {}) is None
    assert none.begin_request("GET /", {b"traceparent": CALLER.encode()}) is not None
    some = Tracer(collector.endpoint, 0.25)
    n_traced = sum(some.begin_request("GET /", {}) is not None for _ in range(2000))
    assert 400 < n_traced < 600


def test_without_the_exporter(monkeypatch: pytest.MonkeyPatch) -> None:
    require_exporter()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"SEQSERVE_OTLP_ENDPOINT: .*requirements/tracing\.txt"):
        Tracer("http://localhost:4318", 1.0)


@pytest.mark.anyio
async def test_off_makes_no_object_of_opentelemetry(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk import trace as sdk

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("made while tracing is off")

    for kind in (sdk.TracerProvider, sdk.Span, trace.NonRecordingSpan, trace.SpanContext):
        monkeypatch.setattr(kind, "__new__" if kind is trace.SpanContext else "__init__", fail)
    async with serving(bundles_dir) as server:
        answer = await server.post("/v1/ner", {"text": "a"}, traceparent=CALLER)
        assert answer.status_code == 200
        assert "traceparent" not in answer.headers


def test_off_imports_no_exporter() -> None:
    code = (
        "import sys, service.bento.app; sys.exit(int(any('otlp' in name for name in sys.modules)))"
    )
    environment = {name: value for name, value in os.environ.items() if "SEQSERVE" not in name}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment, timeout=60)


def test_a_trace_over_processes(tmp_path: Path, bundles_dir: Path, collector: Collector) -> None:
    collector.spans.clear()
    with running_server(
        tmp_path,
        bundles_dir,
        SEQSERVE_ENGINE_FACTORY="tests.fakes:open_engine",
        SEQSERVE_OTLP_ENDPOINT=collector.endpoint,
    ) as serve:
        answer = serve.post("/v1/sentiment", "bad", traceparent=CALLER)
        assert answer.status_code == 200
        collector.wait_for(lambda spans: sum(span.trace == TRACE for span in spans) == 4)
        (request,) = collector.named("POST /v1/sentiment")
        assert request.parent == "00f067aa0ba902b7"
        check_tree(collector.spans, request)
        serve.post("/v1/ner", "just before the end")
        assert serve.stop() == 0  # the remaining spans are sent
        assert len(collector.named("POST /v1/ner")) == 1
    assert TRACE in serve.log.read_text()


def test_a_collector_that_is_away_costs_no_request(tmp_path: Path, bundles_dir: Path) -> None:
    with running_server(
        tmp_path,
        bundles_dir,
        SEQSERVE_ENGINE_FACTORY="tests.fakes:open_engine",
        SEQSERVE_TOPOLOGY="embedded",
        SEQSERVE_OTLP_ENDPOINT="http://127.0.0.1:9",
    ) as serve:
        for _ in range(20):
            assert serve.post("/v1/ner", "a").elapsed.total_seconds() < 0.5
        assert serve.stop() == 0
    assert "Traceback" not in serve.log.read_text()
