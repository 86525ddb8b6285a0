from __future__ import annotations

import asyncio
import math
from itertools import cycle

import pytest

from benchmarks.http.connection import LOST, Connection, connect, request_bytes
from benchmarks.http.load import (
    Tally,
    arrive,
    burst,
    closed_load,
    open_load,
    percentile,
    poisson,
    saturate,
)
from tests.benchmarks.http.tiny_server import ANSWER, REFUSAL, TinyServer, running

ASKED = {"path": "/v1/ner", "bodies": ["one", "two", "three"]}
REQUEST = request_bytes("/v1/ner", b"one")

ANSWERS = {
    "whole": ((ANSWER,), 200),
    "in pieces": ((ANSWER[:20], ANSWER[20:-1], ANSWER[-1:]), 200),
    "head before body": ((ANSWER[:-2], ANSWER[-2:]), 200),
    "refused": ((REFUSAL,), 429),
    "no length": ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",), LOST),
}


@pytest.mark.parametrize(("pieces", "status"), ANSWERS.values(), ids=ANSWERS)
def test_a_connection_reads_answers(pieces: tuple[bytes, ...], status: int) -> None:
    async def ask(port: int) -> list[tuple[int, float]]:
        seen: list[tuple[int, float]] = []
        answered = asyncio.Event()

        def note(connection: Connection, status: int, ms: float) -> None:
            seen.append((status, ms))
            answered.set()

        connection = await connect(port, note)
        for _ in range(2 if status != LOST else 1):
            answered.clear()
            connection.send(REQUEST)
            await asyncio.wait_for(answered.wait(), 5)
        connection.close()
        return seen

    with running(TinyServer(pieces, delay_s=0.02)) as server:
        seen = asyncio.run(ask(server.port))
    assert [found for found, _ in seen] == [status] * len(seen)
    assert all(ms >= 19 for _, ms in seen)
    assert server.bodies == [b"one"] * len(seen)


def test_a_closed_load_keeps_every_client_asking() -> None:
    tally = Tally()
    with running(TinyServer(delay_s=0.05)) as server:
        requests = cycle([request_bytes("/v1/ner", body) for body in (b"1", b"2")])
        asyncio.run(closed_load(server.port, requests, 3, 0.5, tally))
    assert server.n_connections == 3
    assert len(tally.answers) == len(server.bodies) and tally.n_failed == 0
    assert 3 < len(tally.answers) <= 33  # 3 clients, at most 11 answers each
    assert set(server.bodies) == {b"1", b"2"}


def test_an_open_load_waits_for_nobody() -> None:
    tally, arrivals_s = Tally(), [0.01 * i for i in range(30)]
    with running(TinyServer(delay_s=1.5)) as server:
        asyncio.run(open_load(server.port, cycle([REQUEST]), arrivals_s, tally))
    assert len(tally.answers) == 30
    assert server.n_connections == 30  # all came before the first was answered


def test_an_open_load_uses_connections_again() -> None:
    tally, arrivals_s = Tally(), [0.03 * i for i in range(20)]
    with running(TinyServer(breaks_off_after=1000)) as server:
        asyncio.run(open_load(server.port, cycle([REQUEST]), arrivals_s, tally))
    assert len(tally.answers) == 20 and server.n_connections == 16


def test_requests_on_broken_connections_count_as_failed() -> None:
    tally = Tally()
    with running(TinyServer(breaks_off_after=2)) as server:
        asyncio.run(closed_load(server.port, cycle([REQUEST]), 4, 5.0, tally))
    assert (len(tally.answers), tally.n_failed) == (8, 4)


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (100, 100)]
)
def test_percentile_is_a_value_that_was_seen(percent: float, value: int) -> None:
    assert percentile([float(i) for i in range(1, 101)], percent) == value


def test_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 50))


def test_a_tally_counts_the_time_after_the_warm_up() -> None:
    tally = Tally()
    tally.answers = [(10.0 + i / 10, 1.0 + i) for i in range(11)]  # 10 a second
    tally.note(503, 1.0)
    seen = tally.seen(10.45, 10.95)
    assert (seen.n_answered, seen.n_failed) == (11, 1)
    assert seen.per_s == pytest.approx(10.0)
    assert (seen.p50_ms, seen.p99_ms) == (8.0, 10.0)


def test_poisson_arrivals_are_as_many_as_asked_and_spread() -> None:
    times = poisson(50.0, 100.0, seed=3)
    gaps = [b - a for a, b in zip([0.0, *times[:-1]], times, strict=True)]
    assert times == sorted(times) and times[-2] < 100 <= times[-1]
    assert 4700 < len(times) < 5300
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert spread == pytest.approx(mean, rel=0.1)  # as it is with exponential gaps
    assert times == poisson(50.0, 100.0, seed=3) != poisson(50.0, 100.0, seed=4)


def test_saturate_leaves_the_warm_up_out() -> None:
    with running(TinyServer(delay_s=0.02)) as server:
        seen = saturate(server.port, ASKED, n_clients=2, seconds=0.4, warm_up_s=0.4)
    assert seen["n_answered"] == len(server.bodies)
    assert 0 < seen["per_s"] < 105  # 2 clients, 20 ms
    assert {b"one", b"two", b"three"} == set(server.bodies)


def test_arrive_watches_one_load_beside_another() -> None:
    with running(TinyServer(delay_s=0.02)) as server:
        times = [0.05 * i for i in range(10)]
        busy = {"path": "/v1/ner", "bodies": ["busy"]}
        found = arrive(server.port, ASKED, times, 0.2, (busy, 3))
    assert found["arrived"]["n_answered"] == 10
    n_busy = found["busy"]["n_answered"]
    assert n_busy == server.bodies.count(b"busy") > 20
    assert len(server.bodies) == 10 + n_busy


def test_burst_cuts_the_time_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.http.load._ALONE_S", 0.1)
    with running(TinyServer(delay_s=0.01)) as server:
        found = burst(server.port, ASKED, n_clients=8, burst_s=0.3, ends_s=[0.1, 0.3])
    n_all = sum(found[part]["n_answered"] for part in ("before", "crowd"))
    assert n_all + found["after"][0]["n_answered"] == len(server.bodies)
    assert found["crowd"]["n_answered"] > 3 * found["before"]["n_answered"]
    assert [9 < span["p50_ms"] < 100 for span in found["after"]] == [True, True]
