from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests import fakes
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio


async def sample(server: Server, name: str, **labels: str) -> float:
    """The value of one series on the page, 0 where there is none."""
    page = (await server.client.get("/metrics")).text
    for line in page.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match.group(1) == name:
            found = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            if found == labels:
                return float(match.group(3))
    return 0.0


async def test_requests_by_route_status_and_code(server: Server) -> None:
    ok = {"route": "/v1/ner", "status": "200", "code": "ok"}
    bad = {"route": "/v1/ner", "status": "422", "code": "invalid_field"}
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
    assert page.count('requests_total{code="not_found",route="unknown",status="404"}') == 1


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


async def test_queue_in_flight_and_shed(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_queue_texts=3) as server:
        engine = server.engine("ner")
        engine.may_go_on.clear()
        shed = {"task": "ner", "reason": "queue_full"}
        before = await sample(server, "seqserve_shed_texts_total", **shed)
        waiting = []
        for _ in range(3):
            waiting.append(asyncio.create_task(server.post("/v1/ner", {"text": "a"})))
            await asyncio.sleep(0.02)
        refused = await server.post("/v1/ner", {"text": ["b", "b"]})
        assert refused.status_code == 429
        assert await sample(server, "seqserve_queue_texts", task="ner") == 2
        assert await sample(server, "seqserve_queue_tokens", task="ner") == 4
        assert await sample(server, "seqserve_requests_in_flight", route="/v1/ner") == 3
        assert await sample(server, "seqserve_shed_texts_total", **shed) - before == 2
        late = {"task": "ner", "reason": "deadline"}
        before = await sample(server, "seqserve_shed_texts_total", **late)
        await server.post("/v1/ner", {"text": "late"}, x_timeout_ms="5")
        assert await sample(server, "seqserve_shed_texts_total", **late) - before == 1
        engine.may_go_on.set()
        await asyncio.gather(*waiting)
        assert await sample(server, "seqserve_queue_texts", task="ner") == 0
        assert await sample(server, "seqserve_queue_tokens", task="ner") == 0
        assert await sample(server, "seqserve_requests_in_flight", route="/v1/ner") == 0


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
    (card,) = server.application.links["ner"].cards
    labels = {"task": "ner", "model": "ner-en", "version": "1.0.0", "precision": "fp32"}
    labels["sha"] = card.sha256[:12]
    assert await sample(server, "seqserve_model_info", **labels) == 1
    assert await sample(server, "seqserve_model_up", task="ner") == 1


async def test_failed_texts_leave_no_trace_of_themselves(server: Server) -> None:
    await server.post("/v1/ner", {"text": f"{fakes.POISON} hunter2"})
    assert "hunter2" not in (await server.client.get("/metrics")).text
