from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import SeqserveError
from service.engines import canary
from service.queue.admission import QueueFull
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio


async def test_it_goes_through_queue_and_engine(server: Server) -> None:
    server.engine("ner").batches.clear()
    assert await server.application.canaries["ner"].check() is None
    assert server.engine("ner").batches == [[canary.TEXT]]


def failing(right: Any) -> Any:
    raise ZeroDivisionError


def wrong(right: Any) -> Any:
    return replace(right, score=0.123)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [(failing, "fails on a plain text"), (wrong, "does not reproduce a golden case")],
)
async def test_an_engine_that_does_not_work_makes_the_server_unready(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Any], Any], fault: str
) -> None:
    asked: list[str] = []
    for name in ("PERIOD_S", "RECHECK_S"):
        monkeypatch.setattr(canary, name, 0.01)
    async with serving(bundles_dir, asked.append) as server:
        engine = server.engine("sentiment")
        right = engine.answer
        monkeypatch.setattr(engine, "answer", lambda item: spoil(right(item)))
        async with asyncio.timeout(20):
            while not asked:  # after two checks that failed
                await asyncio.sleep(0.01)
        ready = await server.client.get("/readyz")
        assert (ready.status_code, ready.json()["detail"]) == (503, f"sentiment: {fault}.")
        assert set(asked) == {"sentiment"}
        monkeypatch.setattr(engine, "answer", right)
        async with asyncio.timeout(20):
            while (await server.client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.01)


async def test_an_engine_that_hangs_is_told_from_one_that_is_busy(server: Server) -> None:
    application = server.application
    one = canary.Canary(
        "ner", application.core.engines["ner"], application.core.queues["ner"], 0.05
    )
    server.engine("ner").may_go_on.clear()
    assert await one.check() == "answers too late"
    asking = asyncio.create_task(one.check())
    await asyncio.sleep(0.02)
    server.application.core.engines["ner"].n_answered += 1  # another request was answered meanwhile
    assert await asking is None


@pytest.mark.parametrize(
    ("error", "fault"),
    [(QueueFull("full", 1), None), (SeqserveError("broken"), "fails on a plain text")],
    ids=["full", "broken"],
)
async def test_what_counts_as_a_fault(
    server: Server, monkeypatch: pytest.MonkeyPatch, error: Exception, fault: str | None
) -> None:
    async def submit(items: object, deadline: float) -> None:
        raise error

    monkeypatch.setattr(server.application.core.queues["ner"], "submit", submit)
    assert await server.application.canaries["ner"].check() == fault


async def test_most_checks_are_the_plain_text(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = server.application.canaries["ner"]
    seen: list[int | None] = []

    async def check(golden_case: int | None = None) -> str | None:
        seen.append(golden_case)
        return canary.TOO_LATE if len(seen) == canary.GOLDEN_EVERY else None

    monkeypatch.setattr(one, "check", check)
    for _ in range(3 * canary.GOLDEN_EVERY):
        await one._next_check()
    plain = [None] * (canary.GOLDEN_EVERY - 1)
    assert seen == [*plain, 0, *plain, 0, *plain, 1]  # the first came too late, so it is sent again
