"""The shipped bundles in a real server: an answer does not depend on the batch, bit for bit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from loadtest.bodies import ROUTES
from loadtest.texts import samplers
from seqserve.tasks import SHIPPED
from tests.serving import Serve, running_server

BUNDLES = Path(__file__).parents[2] / "bundles"
N_TEXTS, N_IN_FLIGHT, N_ROUNDS = 40, 8, 2


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    with running_server(tmp_path_factory.mktemp("serve"), BUNDLES) as serve:
        yield serve


async def answers(http: httpx.AsyncClient, path: str, texts: list[str]) -> list[Any]:
    headers = {"X-Timeout-Ms": "60000"}
    response = await http.post(path, json={"text": texts}, headers=headers)
    assert response.status_code == 200, response.text
    results: list[Any] = response.json()["results"]
    return results


async def batched(
    http: httpx.AsyncClient, path: str, texts: list[str], chance: random.Random
) -> list[Any]:
    """Return the answers to texts sent in shuffled, concurrent requests of random sizes."""
    order = chance.sample(range(len(texts)), len(texts))
    requests = []
    while order:
        n = chance.randint(2, 16)
        requests.append(order[:n])
        order = order[n:]
    found: dict[int, Any] = {}
    may_go = asyncio.Semaphore(N_IN_FLIGHT)

    async def ask(indices: list[int]) -> None:
        async with may_go:
            results = await answers(http, path, [texts[i] for i in indices])
            found.update(zip(indices, results, strict=True))

    await asyncio.gather(*map(ask, requests))
    return [found[i] for i in range(len(texts))]


def test_no_answer_depends_on_its_batch(served: Serve) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(base_url=served.base, timeout=90, trust_env=False) as http:
            chance = random.Random(1)
            texts = {
                task: [sampler.one(chance) for _ in range(N_TEXTS)]
                for task, sampler in samplers().items()
                if task in SHIPPED
            }
            alone = {
                task: [(await answers(http, ROUTES[task], [text]))[0] for text in of_task]
                for task, of_task in texts.items()
            }
            for seed in range(N_ROUNDS):
                shuffled = random.Random(seed)
                together = await asyncio.gather(
                    *(batched(http, ROUTES[task], of, shuffled) for task, of in texts.items())
                )
                for task, found in zip(texts, together, strict=True):
                    assert found == alone[task], task

    asyncio.run(run())
