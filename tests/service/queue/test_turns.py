"""A real server with a slowed-down translator: long texts do not delay others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.serving import Serve, running_server
from tests.tiny import TinyProject

SHORT = "Read the file 3."
LONG = " ".join(f"Read the file {i}." for i in range(1000))
SLOW = {"SEQSERVE_ENGINE_FACTORY": "tests.fakes:open_slow_engine"}


@pytest.fixture(scope="module", params=["runners", "embedded"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny: TinyProject
) -> Iterator[Serve]:
    folder = tmp_path_factory.mktemp("serve")
    with running_server(folder, tiny.bundles, SEQSERVE_TOPOLOGY=request.param, **SLOW) as serve:
        yield serve


def post(served: Serve, text: str, timeout_s: float = 30, **headers: str) -> tuple[float, str]:
    """Request one translation on its own connection; return seconds, and the first result or the error code."""
    started = time.monotonic()
    response = httpx.post(
        f"{served.base}/v1/translate",
        json={"text": text},
        headers=headers,
        timeout=timeout_s,
        trust_env=False,
    )
    answer = response.json()
    return time.monotonic() - started, answer.get("code") or answer["results"][0]["text"]


def n_calls(served: Serve) -> int:
    page = served.client.get("/metrics").text
    name = 'seqserve_calls_in_flight{task="translation"} '
    return next((int(float(line[len(name) :])) for line in page.splitlines() if name in line), 0)


def begin_long(served: Serve, threads: ThreadPoolExecutor) -> Future[tuple[float, str]]:
    long = threads.submit(post, served, LONG)
    while not n_calls(served):
        time.sleep(0.01)
    return long


def seconds_until_idle(served: Serve) -> float:
    started = time.monotonic()
    while n_calls(served):
        time.sleep(0.01)
    return time.monotonic() - started


@pytest.fixture(scope="module")
def long_s(served: Serve) -> float:
    """Return the time of the long text without interruption."""
    return post(served, LONG)[0]


def test_a_short_translation_does_not_wait_for_a_long_one(served: Serve) -> None:
    _, alone = post(served, SHORT)
    with ThreadPoolExecutor() as threads:
        long = begin_long(served, threads)
        during = [post(served, SHORT) for _ in range(3)]
        assert not long.done()
        long_s, translation = long.result()
    assert [text for _, text in during] == [alone] * 3
    assert len(translation) > 100 * len(alone)
    assert max(seconds for seconds, _ in during) < long_s / 4


def test_a_deadline_stops_the_work(served: Serve, long_s: float) -> None:
    timeout_ms = str(int(long_s * 1000 / 4))
    _, code = post(served, LONG, **{"X-Timeout-Ms": timeout_ms})
    assert code == "deadline_exceeded"
    assert seconds_until_idle(served) < long_s / 4


def test_a_client_that_hangs_up_stops_its_own_work(served: Serve, long_s: float) -> None:
    with ThreadPoolExecutor() as threads:
        other = begin_long(served, threads)
        with pytest.raises(httpx.ReadTimeout):
            post(served, LONG, timeout_s=long_s / 4)
        started = time.monotonic()
        while n_calls(served) > 1:
            time.sleep(0.01)
        assert time.monotonic() - started < long_s / 4
        assert not other.done()
        assert len(other.result()[1]) > 100
    assert seconds_until_idle(served) < long_s / 4
