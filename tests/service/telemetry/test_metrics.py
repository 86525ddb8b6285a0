from __future__ import annotations

import asyncio
import re
import subprocess
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.reference import metrics_rows
from service.telemetry.metrics import PROCESS_PID, name_process
from tests import fakes
from tests.service.conftest import Server, pending_requests, serving

pytestmark = pytest.mark.anyio

NEED_MORE = {  # a cache, a supervisor, a shadow model
    "seqserve_cache_texts",
    "seqserve_process_restarts",
    "seqserve_shadow_texts",
    "seqserve_shadow_duration_seconds",
}


async def sample(server: Server, name: str, **labels: str) -> float:
    """Return the value of one series on the page; 0 if there is none."""
    page = (await server.client.get("/metrics")).text
    for line in page.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match.group(1) == name:
            found = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            if found == labels:
                return float(match.group(3))
    return 0.0


async def test_requests_by_route_status_and_code(server: Server) -> None:
    ok = {"route": "/v1/ner", "status": "200", "code": "ok", "dialect": "native"}
    bad = {"route": "/v1/ner", "status": "422", "code": "invalid_field", "dialect": "native"}
    before = [await sample(server, "seqserve_requests_total", **labels) for labels in (ok, bad)]
    await server.post("/v1/ner", {"text": "a"})
    await server.post("/v1/ner", {"text": []})
    after = [await sample(server, "seqserve_requests_total", **labels) for labels in (ok, bad)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]


async def test_unknown_paths_make_no_series(server: Server) -> None:
    for i in range(20):
        await server.client.get(f"/random/{i}")
    page = (await server.client.get("/metrics")).text
    assert "random" not in page
    labels = 'code="not_found",dialect="native",route="unknown",status="404"'
    assert page.count(f"requests_total{{{labels}}}") == 1


async def test_the_page_has_what_is_documented_and_nothing_else(server: Server) -> None:
    for path in ("/v1/ner", "/v1/sentiment", "/v1/classify", "/v1/translate"):
        await server.post(path, {"text": ["a", "b c"]})
    name_process("gateway")
    documented = {
        (name.strip("`").removesuffix("_total"), kind): set(re.findall(r"\w+", labels))
        for name, kind, labels, _ in metrics_rows()
    }
    shown: dict[tuple[str, str], set[str]] = {}
    page = (await server.client.get("/metrics")).text
    for family in text_string_to_metric_families(page):
        for one in family.samples:
            if family.name.startswith("seqserve_") and not one.name.endswith("_created"):
                shown[family.name, family.type] = set(one.labels) - {"le"}
    assert shown == {key: labels for key, labels in documented.items() if key in shown}
    unseen = {name for name, _ in documented.keys() - shown.keys()}
    assert unseen <= NEED_MORE, "no sample, whatever happens?"


async def test_usage_counts_what_was_answered(server: Server) -> None:
    async def counts() -> list[float]:
        names = ("texts", "characters", "tokens")
        return [await sample(server, f"seqserve_{name}_total", task="ner") for name in names]

    before = await counts()
    await server.post("/v1/ner", {"text": ["Ann and 李", "Bob"]})
    await server.post("/v1/ner", {"text": f"{fakes.POISON} Ann"})
    assert [b - a for a, b in zip(before, await counts(), strict=True)] == [2, 9 + 3, 3 + 1]


async def test_padding(server: Server) -> None:
    async def counts() -> list[float]:
        names = ("batch_tokens_sum", "batch_real_tokens_total", "batch_padding_ratio_sum")
        return [await sample(server, f"seqserve_{name}", task="sentiment") for name in names]

    before = await counts()
    await server.post("/v1/sentiment", {"text": ["a" * 8, "a" * 24]})  # 4 and 8 tokens
    after = await counts()
    assert [b - a for a, b in zip(before, after, strict=True)] == [16, 12, 0.25]


async def test_this_process_as_the_system_sees_it(server: Server) -> None:
    name_process("gateway")
    seen = psutil.Process()
    of = {"process": "gateway"}
    assert await sample(server, "seqserve_process_pid", **of) == seen.pid
    resident = await sample(server, "seqserve_process_resident_memory_bytes", **of)
    assert resident == pytest.approx(seen.memory_info().rss, rel=0.1)
    cpu = seen.cpu_times()
    found = await sample(server, "seqserve_process_cpu_seconds_total", **of)
    assert found == pytest.approx(cpu.user + cpu.system, rel=0.1)
    assert await sample(server, "seqserve_process_open_fds", **of) >= 3
    started = await sample(server, "seqserve_process_start_time_seconds", **of)
    assert started == pytest.approx(seen.create_time(), abs=2)


async def test_a_process_that_is_gone_has_no_metrics(server: Server) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    PROCESS_PID.labels("ner").set(gone.pid)
    try:
        page = (await server.client.get("/metrics")).text
        assert 'seqserve_process_resident_memory_bytes{process="ner"}' not in page
    finally:
        PROCESS_PID.remove("ner")


async def test_the_age_of_the_oldest_grows_while_nothing_moves(server: Server) -> None:
    async with pending_requests(server, 2):
        first = await sample(server, "seqserve_queue_oldest_seconds", task="ner")
        await asyncio.sleep(0.05)
        second = await sample(server, "seqserve_queue_oldest_seconds", task="ner")
        assert 0 < first + 0.04 < second
    assert await sample(server, "seqserve_queue_oldest_seconds", task="ner") == 0


async def test_batches_and_stages(server: Server) -> None:
    async def counts() -> list[float]:
        return [
            await sample(server, "seqserve_batch_texts_sum", task="translation"),
            await sample(server, "seqserve_batch_tokens_sum", task="translation"),
            await sample(
                server, "seqserve_stage_duration_seconds_count", task="translation", stage="model"
            ),
        ]

    before = await counts()
    await server.post("/v1/translate", {"text": ["abcd", "abcdefgh"]})
    after = await counts()
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 2 * 4 * 4, 1]  # 4 beams


ROUTE = {"route": "/v1/ner", "dialect": "native"}


async def test_queue_in_flight_and_shed(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_queue_texts=3) as server:
        shed = {"task": "ner", "reason": "queue_full"}
        before = await sample(server, "seqserve_shed_texts_total", **shed)
        async with pending_requests(server, 3):
            refused = await server.post("/v1/ner", {"text": ["b", "b"]})
            assert refused.status_code == 429
            assert await sample(server, "seqserve_queue_texts", task="ner") == 2
            assert await sample(server, "seqserve_queue_tokens", task="ner") == 4
            assert await sample(server, "seqserve_requests_in_flight", **ROUTE) == 3
            assert await sample(server, "seqserve_shed_texts_total", **shed) - before == 2
            late = {"task": "ner", "reason": "deadline"}
            before = await sample(server, "seqserve_shed_texts_total", **late)
            await server.post("/v1/ner", {"text": "late"}, x_timeout_ms="5")
            assert await sample(server, "seqserve_shed_texts_total", **late) - before == 1
        assert await sample(server, "seqserve_queue_texts", task="ner") == 0
        assert await sample(server, "seqserve_queue_tokens", task="ner") == 0
        assert await sample(server, "seqserve_requests_in_flight", **ROUTE) == 0


async def test_requests_of_a_dialect(bundles_dir: Path) -> None:
    """Its series have its name, and those of errors begin at 0, with the status that its clients get."""
    late = 'code="deadline_exceeded",dialect="aws",route="/aws",status="503"'
    count = "seqserve_request_duration_seconds_count"
    async with serving(bundles_dir, dialects=("aws",)) as server:
        assert f"requests_total{{{late}}} 0.0" in (await server.client.get("/metrics")).text
        await server.post("/aws", {})
        await server.post("/v1/ner", {"text": "a"})
        assert await sample(server, count, route="/aws", dialect="aws") >= 1
        assert await sample(server, count, **ROUTE) >= 1


async def test_calls_in_flight_and_texts_that_were_abandoned(server: Server) -> None:
    late = {"task": "translation", "reason": "deadline"}
    before = await sample(server, "seqserve_abandoned_texts_total", **late)
    text = [fakes.LONG, fakes.LONG]
    post = asyncio.create_task(server.post("/v1/translate", {"text": text}, x_timeout_ms="100"))
    await asyncio.sleep(0.03)
    assert await sample(server, "seqserve_calls_in_flight", task="translation") == 1
    await post
    assert await sample(server, "seqserve_abandoned_texts_total", **late) - before == 2
    async with asyncio.timeout(fakes.LONG_S / 2):
        while await sample(server, "seqserve_calls_in_flight", task="translation"):
            await asyncio.sleep(0.005)


async def test_models(server: Server) -> None:
    (model,) = server.application.core.engines["ner"].models
    labels = {"task": "ner", "model": "ner-en", "version": "1.0.0", "precision": "fp32"}
    labels["sha"] = model.sha256[:12]
    loaded = {"task": "ner", "model": "ner-en", "version": "1.0.0"}
    assert await sample(server, "seqserve_model_info", **labels) == 1
    assert await sample(server, "seqserve_model_load_seconds", **loaded) > 0
    assert await sample(server, "seqserve_model_up", task="ner") == 1


async def test_failed_texts_leave_no_trace_of_themselves(server: Server) -> None:
    await server.post("/v1/ner", {"text": f"{fakes.POISON} hunter2"})
    assert "hunter2" not in (await server.client.get("/metrics")).text
