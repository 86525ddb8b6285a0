"""Overload of a made-up server that computes a number of requests at a time and refuses the others."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from benchmarks.endurance import overload
from benchmarks.endurance.overload import Overload, measure, overload_lines
from tests.service.http.listening import listening

GOOD = Overload(5.0, 10.0, 100.0, Counter({200: 190, 429: 1810}), 9.5, 3.0, 0.5, 2000)
ROWS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "good": ({}, []),
    "lost": ({"n_sent": 2001}, ["requests without a response 1, target ≤ 0"]),
    "no answer": (
        {"statuses": Counter({200: 190, 0: 1810})},
        ["requests without a response 1810, target ≤ 0"],
    ),
    "faults": (
        {"statuses": Counter({200: 190, 429: 1809, 500: 1})},
        ["responses beside 200, 429, 503, 504 1, target ≤ 0"],
    ),
    "work is thrown away": (
        {"goodput_per_s": 2.0},
        ["goodput at 10×, share of saturation 0.20, target ≥ 0.90"],
    ),
    "slow afterwards": ({"back_s": math.inf}, ["seconds until p50 is back inf, target ≤ 2.0"]),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_counts_as_a_problem(name: str) -> None:
    changes, problems = ROWS[name]
    found = Overload(**{**vars(GOOD), **changes})
    assert found.problems() == [f"10x saturation: {problem}" for problem in problems]
    assert sum("**fail**" in line for line in overload_lines(found)) == len(problems)


class Limited:
    """ASGI application: computes one request at a time, and refuses more than a few that wait."""

    def __init__(self, n_waiting: int) -> None:
        self._n_waiting, self._n, self._lock = n_waiting, 0, asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        if self._n >= self._n_waiting:
            await JSONResponse({"code": "overloaded"}, 429)(scope, receive, send)
            return
        self._n += 1
        async with self._lock:
            await asyncio.sleep(0.02)
        self._n -= 1
        await JSONResponse({})(scope, receive, send)


@pytest.mark.anyio
async def test_every_request_is_accounted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("_SATURATION_S", 0.5), ("_IDLE_S", 0.1)):
        monkeypatch.setattr(overload, name, seconds)
    async with listening(Limited(20)) as (port, _):
        found = await measure(port, 1.0)
    assert found.n_sent == found.statuses.total() > 5 * found.saturation_per_s
    assert set(found.statuses) == {200, 429}
    assert found.statuses[429] > found.statuses[200] > 0
    assert found.back_s < 5 and 0 < found.refused_ms < 1000 and found.before_ms > 10
