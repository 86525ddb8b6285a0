"""Processes that die, hang, cannot start or must stop: lost requests, and the time to recover."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from seqserve.tasks import TASKS
from service.engines.host import STUCK_S
from service.processes.terminal import banner
from tests import fakes
from tests.serving import FAKES, START_S, STOP_S, Serve, running_server

# The targets are 10 s and 2 s on an idle machine; `make chaos` measures them.
BACK_S, AWAY_S = 30.0, 2.0


@pytest.fixture
def sound(served: Serve) -> Serve:
    served.wait_until_ready(START_S)
    return served


def client(serve: Serve) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=serve.base, timeout=30, trust_env=False)


def while_waiting(
    serve: Serve, path: str, text: str, strike: Callable[[], None], **headers: str
) -> httpx.Response:
    """Post a text that takes a while, and inject a fault meanwhile."""

    async def run() -> httpx.Response:
        async with client(serve) as http:
            post = asyncio.create_task(http.post(path, json={"text": text}, headers=headers))
            await asyncio.sleep(fakes.SLOW_S / 2)
            strike()
            return await post

    return asyncio.run(run())


def n_restarts(serve: Serve, process: str) -> int:
    name = f'seqserve_process_restarts_total{{process="{process}"}} '
    page = serve.client.get("/metrics").text
    return next((int(float(x[len(name) :])) for x in page.splitlines() if x.startswith(name)), 0)


def test_a_connection_outlives_the_pauses_of_proxies(sound: Serve) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", httpx.URL(sound.base).port, timeout=20)
    for pause_s in (0.0, 5.5):  # uvicorn's own limit is 5
        time.sleep(pause_s)
        connection.request("GET", "/livez")  # on the same connection, or not at all
        assert connection.getresponse().read() == b'{"status":"alive"}'
    connection.close()


def test_a_killed_runner_costs_its_batch_a_second_try(sound: Serve) -> None:
    before = n_restarts(sound, "ner")
    killed = sound.worker("NerRunner")
    started = time.monotonic()
    answer = while_waiting(sound, "/v1/ner", f"{fakes.SLOW} Ann", killed.kill)
    assert answer.status_code == 200
    assert [e["text"] for e in answer.json()["results"][0]["entities"]] == ["SLOW", "Ann"]
    assert time.monotonic() - started < BACK_S
    sound.wait_until_ready(BACK_S)
    assert sound.worker("NerRunner").pid != killed.pid
    assert n_restarts(sound, "ner") == before + 1


def test_no_second_try_beyond_the_deadline(sound: Serve) -> None:
    runner = sound.worker("NerRunner")
    soon = {"X-Timeout-Ms": str(int(fakes.SLOW_S * 1000))}
    started = time.monotonic()
    answer = while_waiting(sound, "/v1/ner", fakes.SLOW, runner.kill, **soon)
    assert answer.json()["code"] in {"deadline_exceeded", "model_unavailable"}
    assert time.monotonic() - started < fakes.SLOW_S + 0.5


def test_a_killed_runner_is_soon_known_to_be_away_and_others_do_not_notice(sound: Serve) -> None:
    sound.worker("NerRunner").kill()
    started = time.monotonic()
    ready = sound.client.get("/readyz", timeout=5)
    assert (ready.status_code, ready.json().get("code")) == (503, "not_ready") or ready.is_success
    assert time.monotonic() - started < AWAY_S
    assert sound.post("/v1/sentiment", "bad").json()["results"][0]["label"] == "negative"
    sound.wait_until_ready(BACK_S - (time.monotonic() - started))
    assert sound.post("/v1/ner", "Ann").status_code == 200


def test_a_text_that_kills_its_runner_is_tried_twice_and_not_for_ever(sound: Serve) -> None:
    before = n_restarts(sound, "sentiment")
    answer = sound.post("/v1/sentiment", fakes.LETHAL, **{"X-Timeout-Ms": "20000"})
    assert (answer.status_code, answer.json()["code"]) == (503, "model_unavailable")
    assert answer.headers["retry-after"] == "1"
    sound.wait_until_ready(BACK_S)
    assert n_restarts(sound, "sentiment") == before + 2
    assert sound.post("/v1/sentiment", "fine").status_code == 200


def test_a_stopped_runner_is_replaced(sound: Serve) -> None:
    runner = sound.worker("SentimentRunner")
    started = time.monotonic()
    patient = {"X-Timeout-Ms": str(int(BACK_S * 1000))}
    answer = while_waiting(sound, "/v1/sentiment", f"{fakes.SLOW} bad", runner.suspend, **patient)
    assert answer.json()["results"][0]["label"] == "negative"
    assert time.monotonic() - started < BACK_S
    assert not runner.is_running()
    sound.wait_until_ready(BACK_S)


def test_a_stopped_runner_is_soon_known_to_be_away(sound: Serve) -> None:
    sound.worker("TranslationRunner").suspend()
    started = time.monotonic()
    while sound.client.get("/readyz", timeout=5).status_code != 503:
        assert time.monotonic() - started < AWAY_S
    assert time.monotonic() - started < AWAY_S
    sound.wait_until_ready(BACK_S)


@pytest.mark.parametrize("strike", ["kill", "suspend"])
def test_a_gateway_that_dies_or_hangs_is_replaced(sound: Serve, strike: str) -> None:
    gateway = sound.worker("Gateway")
    runner = sound.worker("NerRunner")
    getattr(gateway, strike)()
    sound.wait_until_ready(BACK_S)
    assert sound.worker("Gateway").pid != gateway.pid
    assert sound.worker("NerRunner").pid == runner.pid
    assert sound.post("/v1/ner", "Ann").status_code == 200


@pytest.mark.parametrize("topology", ["runners", "embedded"])
def test_an_engine_that_never_comes_back_is_replaced(
    tmp_path: Path, bundles_dir: Path, topology: str
) -> None:
    with running_server(
        tmp_path, bundles_dir, SEQSERVE_TOPOLOGY=topology, SEQSERVE_CALLS="1", **FAKES
    ) as serve:
        answer = serve.post("/v1/ner", fakes.HUNG, **{"X-Timeout-Ms": "200"})
        assert answer.json()["code"] == "deadline_exceeded"
        end = time.monotonic() + STUCK_S + BACK_S
        while True:
            try:
                if serve.post("/v1/ner", "Ann", **{"X-Timeout-Ms": "500"}).is_success:
                    break
            except httpx.TransportError:
                pass
            assert time.monotonic() < end
            time.sleep(0.1)
        assert "a call is stuck" in serve.log.read_text()
        assert serve.stop() == 0


def test_sigterm_finishes_what_was_accepted(tmp_path: Path, bundles_dir: Path) -> None:
    serve = Serve(tmp_path, bundles_dir, **FAKES)

    async def run() -> tuple[list[httpx.Response], httpx.Response]:
        async with client(serve) as http:
            paths = ["/v1/ner", "/v1/sentiment", "/v1/translate"]
            texts = [f"{fakes.SLOW} {i}" for i in range(4)]  # of them three wait in the queue
            posts = [http.post(path, json={"text": text}) for path in paths for text in texts]
            accepted = [asyncio.create_task(post) for post in posts]
            await asyncio.sleep(fakes.SLOW_S / 2)
            serve.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.05)
            late = await http.post("/v1/ner", json={"text": "late"})
            return await asyncio.gather(*accepted), late

    try:
        serve.wait_until_ready(START_S)
        family = serve.processes()
        accepted, late = asyncio.run(run())
        assert [response.status_code for response in accepted] == [200] * 12
        assert (late.status_code, late.json()["code"]) == (503, "draining")
        assert serve.process.wait(STOP_S) == 0
        assert psutil.wait_procs(family, timeout=1)[1] == []
    finally:
        serve.kill()


def test_the_grace_has_an_end(tmp_path: Path, bundles_dir: Path) -> None:
    with running_server(tmp_path, bundles_dir, SEQSERVE_GRACE_MS="300", **FAKES) as serve:
        started = time.monotonic()
        answer = while_waiting(
            serve, "/v1/ner", fakes.HUNG, lambda: serve.process.send_signal(signal.SIGTERM)
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "draining")
        assert serve.process.wait(STOP_S) == 0
        assert time.monotonic() - started < 10


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_second_signal_ends_the_requests_that_the_first_one_lets_finish(
    tmp_path: Path, bundles_dir: Path, log_format: str
) -> None:
    lines = {
        "text": "Finishing 2 requests, for at most 30 s. Ctrl+C again ends at once.",
        "json": '"event":"draining"',
    }
    settings = {"SEQSERVE_LOG_FORMAT": log_format, "SEQSERVE_TRANSLATION_CALLS": "1"}
    with running_server(tmp_path, bundles_dir, **settings, **FAKES) as serve:

        def strike() -> None:
            serve.process.send_signal(signal.SIGINT)
            serve.wait_until_logged(lines[log_format])
            assert serve.process.poll() is None
            serve.process.send_signal(signal.SIGINT)

        async def run() -> list[httpx.Response]:
            async with client(serve) as http:
                posts = [
                    asyncio.create_task(http.post("/v1/ner", json={"text": fakes.HUNG}))
                    for _ in range(2)
                ]
                await asyncio.sleep(0.3)
                await asyncio.to_thread(strike)
                return await asyncio.gather(*posts)

        started = time.monotonic()
        answers = asyncio.run(run())
        assert [answer.json()["code"] for answer in answers] == ["draining"] * 2
        assert serve.process.wait(STOP_S) == 0
        assert time.monotonic() - started < 10  # the requests had 10 s, the grace 30


def test_rolling_restarts_lose_nothing(tmp_path: Path, bundles_dir: Path) -> None:
    """Two servers are restarted one after the other while clients retry."""
    servers = [Serve(tmp_path, bundles_dir, **FAKES) for _ in range(2)]
    n_done, is_over = 0, False
    kinds: set[str] = set()

    async def one(http: httpx.AsyncClient, i: int) -> None:
        nonlocal n_done
        for attempt in range(100):
            base = servers[(i + attempt) % 2].base
            try:
                response = await http.post(f"{base}/v1/ner", json={"text": f"Ann{i} is here"})
            except httpx.TransportError as error:
                kinds.add(type(error).__name__)
                await asyncio.sleep(0.05)
                continue
            if response.status_code == 200:
                assert response.json()["results"][0]["entities"][0]["text"] == f"Ann{i}"
                n_done += 1
                return
            kinds.add(response.json()["code"])
            await asyncio.sleep(0.05)
        raise AssertionError(f"request {i} was lost: {kinds}")

    async def until_over(http: httpx.AsyncClient, offset: int) -> None:
        i = offset
        while not is_over:
            await one(http, i)
            i += 8

    async def restart(i: int) -> None:
        await asyncio.to_thread(servers[i].stop)
        port = int(servers[i].base.rpartition(":")[2])
        servers[i] = Serve(tmp_path, bundles_dir, port=port, **FAKES)
        await asyncio.to_thread(servers[i].wait_until_ready, START_S)

    async def run() -> None:
        nonlocal is_over
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            clients = [asyncio.create_task(until_over(http, offset)) for offset in range(8)]
            for i in (0, 1, 0):
                await restart(i)
            is_over = True
            await asyncio.gather(*clients)

    try:
        for serve in servers:
            serve.wait_until_ready(START_S)
        asyncio.run(run())
        assert n_done > 200
        assert kinds <= {
            "draining",
            "not_ready",
            "ConnectError",
            "ReadError",
            "RemoteProtocolError",
        }
    finally:
        for serve in servers:
            serve.kill()


def test_without_its_supervisor_every_process_ends(tmp_path: Path, bundles_dir: Path) -> None:
    with running_server(tmp_path, bundles_dir, **FAKES) as serve:
        family = serve.processes()[1:]
        assert len(family) == 1 + len(TASKS)
        serve.process.kill()
        _, alive = psutil.wait_procs(family, timeout=STOP_S)
        for process in alive:
            process.kill()
        assert alive == []


def damage_graph(bundles: Path) -> None:
    path = bundles / "sentiment-en" / "golden.json"
    path.write_bytes(path.read_bytes()[:-2])


def damage_manifest(bundles: Path) -> None:
    (bundles / "sentiment-en" / "manifest.json").write_text("{")


def damage_answers(bundles: Path) -> None:
    other = bundles.parent / "wrong"
    fakes.write_bundle_of(other, "sentiment-en", "a golden answer to something else")
    fakes.replace_bundle(bundles / "sentiment-en", other)


@pytest.mark.parametrize("topology", ["runners", "embedded"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_graph, "golden.json"),
        (damage_manifest, "sentiment-en: manifest.json is not JSON"),
        (damage_answers, "golden"),
    ],
    ids=["file", "manifest", "answers"],
)
def test_a_damaged_bundle_fails_the_start(
    tmp_path: Path, topology: str, damage: Callable[[Path], None], said: str
) -> None:
    bundles = fakes.write_bundles(tmp_path / "bundles")
    damage(bundles)
    serve = Serve(tmp_path, bundles, SEQSERVE_TOPOLOGY=topology, **FAKES)
    try:
        assert serve.process.wait(START_S) == 1
        last = serve.log.read_text().splitlines()[-1]
        assert "sentiment" in last and said in last
    finally:
        serve.kill()


def test_some_tasks_only(tmp_path: Path, bundles_dir: Path) -> None:
    with running_server(tmp_path, bundles_dir, SEQSERVE_TASKS="sentiment, ner", **FAKES) as serve:
        assert serve.post("/v1/ner", "Ann").status_code == 200
        assert serve.post("/v1/translate", "Ann").json()["code"] == "not_found"
        assert "/v1/translate" not in serve.client.get("/docs.json").json()["paths"]
        assert len(serve.processes()) == 4
        assert serve.stop() == 0


def test_an_address_that_is_taken(tmp_path: Path, bundles_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = Serve(tmp_path, bundles_dir, port=port, **FAKES)
        try:
            assert serve.process.wait(START_S) == 1
            assert f"cannot listen on 127.0.0.1:{port}" in serve.log.read_text()
        finally:
            serve.kill()


def test_long_work_gives_way_to_short_work(sound: Serve) -> None:
    translator, runner = sound.worker("TranslationRunner"), sound.worker("NerRunner")
    assert translator.nice() == runner.nice() + 5
    # Linux weighs niceness within a session only.
    assert os.getsid(translator.pid) == os.getsid(runner.pid) == os.getsid(sound.process.pid)


def test_every_line_of_the_log_is_json(sound: Serve) -> None:
    lines = sound.log.read_text().splitlines()
    assert any(json.loads(line)["event"] == "serving" for line in lines)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://0.0.0.0:3000", "http://localhost:3000"),
        ("http://[::]:3000", "http://localhost:3000"),
    ],
)
def test_the_banner_of_a_terminal(url: str, shown: str) -> None:
    lines = [" ".join(line.split()) for line in banner(url, has_demo=True).splitlines()]
    assert lines == [
        f"seqserve is ready: {shown}",
        f"Demo page {shown}/",
        f"API docs {shown}/docs",
        "Stop Ctrl+C",
    ]
    assert "Demo" not in banner(url, has_demo=False)


def test_readable_logs_on_request(tmp_path: Path, bundles_dir: Path) -> None:
    text = {"SEQSERVE_LOG_FORMAT": "text", **FAKES}
    with running_server(tmp_path, bundles_dir, **text) as serve:
        serve.post("/v1/ner", "Ann")
        serve.wait_until_logged("route=/v1/ner")
        log = serve.log.read_text()
    assert f"seqserve is ready: {serve.base}\n" in log
    assert "{" not in log
