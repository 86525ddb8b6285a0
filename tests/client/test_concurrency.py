"""Concurrent requests: bounds, order, and the effect of a failure on the others."""

from __future__ import annotations

import asyncio
import threading

import httpx
import pytest

from seqserve import errors
from seqserve.client import AsyncClient, Client, Policy
from tests.client.conftest import QUICK, MadeUpServer, body_of, problem


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    n_in_flight = most = 0

    async def server(request: httpx.Request) -> httpx.Response:
        nonlocal n_in_flight, most
        n_in_flight += 1
        most = max(most, n_in_flight)
        await asyncio.sleep(0.002 if "1" in body_of(request)["text"][0] else 0.001)
        n_in_flight -= 1
        return MadeUpServer()(request)

    async def run() -> list[str]:
        policy = Policy(max_texts=1, concurrency=3)
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://seqserve", policy=policy, transport=transport) as client:
            answer = await client.translate([str(i) for i in range(30)])
        return [result.text for result in answer]

    assert asyncio.run(run()) == [str(i)[::-1] for i in range(30)]
    assert most == 3 and n_in_flight == 0


def test_one_failure_ends_the_requests_beside_it() -> None:
    ended: list[str] = []

    async def server(request: httpx.Request) -> httpx.Response:
        (text,) = body_of(request)["text"]
        if text == "bad":
            await asyncio.sleep(0.01)
            return problem(500, "internal", "text[0] could not be processed.")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append(text)
            raise
        return MadeUpServer()(request)

    async def run() -> None:
        policy = Policy(max_texts=1, concurrency=3)
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://seqserve", policy=policy, transport=transport) as client:
            await client.ner(["a", "bad", "b", "c"])

    with pytest.raises(errors.SeqserveError, match=r"^text\[1\] could not be") as caught:
        asyncio.run(run())
    assert caught.value.text_index == 1
    assert sorted(ended) == ["a", "b"]  # and c was never sent


def test_threads_may_share_a_client() -> None:
    server = MadeUpServer()
    found: dict[int, str] = {}
    with Client("http://seqserve", policy=QUICK, transport=httpx.MockTransport(server)) as client:

        def work(i: int) -> None:
            found[i] = client.translate(f"text {i}")[0].text

        threads = [threading.Thread(target=work, args=[i]) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {i: f"text {i}"[::-1] for i in range(20)}
