"""A real server with fake engines in its runners: behaviour that needs several processes."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import httpx
import psutil
import pytest

from seqserve.tasks import TASKS
from tests import fakes
from tests.serving import FAKES, STOP_S, Serve, running_server


def test_the_tasks(served: Serve) -> None:
    entities = served.post("/v1/ner", "Ann in ROME").json()["results"][0]["entities"]
    assert [entity["text"] for entity in entities] == ["Ann", "ROME"]
    assert served.post("/v1/sentiment", "bad").json()["results"][0]["label"] == "negative"
    assert served.post("/v1/classify", "vote").json()["results"][0]["label"] == "politics"
    assert served.post("/v1/translate", "a b").json()["results"][0]["text"] == "b a"
    assert len(served.client.get("/v1/models").json()["models"]) == len(TASKS)


def test_the_threads_of_a_process_share_two_heaps(served: Serve) -> None:
    for service in ("Gateway", *(f"{task.title()}Runner" for task in TASKS)):
        assert served.worker(service).environ()["MALLOC_ARENA_MAX"] == "2"


def test_mixed_load_gets_its_own_answers(served: Serve) -> None:
    async def one(client: httpx.AsyncClient, i: int) -> None:
        words = [f"N{i}x", f"w{i}", "bad" if i % 2 else "good"]
        texts = [" ".join(words), f"Extra{i}"][: i % 2 + 1]
        path = ("/v1/ner", "/v1/sentiment", "/v1/translate")[i % 3]
        response = await client.post(path, json={"text": texts})
        assert response.status_code == 200, response.text
        results = response.json()["results"]
        assert len(results) == len(texts)
        if path == "/v1/ner":
            assert [entity["text"] for entity in results[0]["entities"]] == words[:1]
        elif path == "/v1/sentiment":
            assert results[0]["label"] == ("negative" if i % 2 else "positive")
        else:
            assert results[0]["text"] == " ".join(words[::-1])

    async def load() -> None:
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(
            base_url=served.base, limits=limits, timeout=20, trust_env=False
        ) as client:
            for start in range(0, 384, 64):  # beyond the 100 calls that BentoML's default breaks at
                await asyncio.gather(*(one(client, i) for i in range(start, start + 64)))

    asyncio.run(load())


def test_a_poisonous_text_fails_alone(served: Serve) -> None:
    async def mixed() -> list[int]:
        async with httpx.AsyncClient(base_url=served.base, timeout=20, trust_env=False) as client:
            texts = [fakes.POISON if i == 7 else f"text {i}" for i in range(20)]
            posts = (client.post("/v1/sentiment", json={"text": text}) for text in texts)
            return [response.status_code for response in await asyncio.gather(*posts)]

    assert asyncio.run(mixed()) == [500 if i == 7 else 200 for i in range(20)]


@pytest.mark.parametrize("head", ["Content-Length: 9000000", "Transfer-Encoding: chunked"])
def test_a_body_over_the_limit_on_a_real_socket(served: Serve, head: str) -> None:
    host, port = served.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        lines = ["POST /v1/ner HTTP/1.1", "Host: x", "Content-Type: application/json", head, "", ""]
        sock.sendall("\r\n".join(lines).encode())
        if "chunked" in head:
            for _ in range(5):
                sock.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        answer = b""
        while b"}" not in answer and (part := sock.recv(65536)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body_too_large" in answer


def test_one_page_of_metrics_for_all_processes(served: Serve) -> None:
    served.post("/v1/ner", "a")
    page = served.client.get("/metrics").text
    assert (
        'seqserve_requests_total{code="ok",dialect="native",route="/v1/ner",status="200"}' in page
    )
    for status, code in ((500, "internal"), (503, "model_unavailable"), (504, "deadline_exceeded")):
        labels = f'code="{code}",dialect="native",route="/v1/translate",status="{status}"'
        series = f"requests_total{{{labels}}} 0.0"
        assert series in page  # before the first of them
    assert 'seqserve_model_info{model="ner-en"' in page
    for process in ("gateway", "ner", "sentiment", "translation"):
        (resident,) = re.findall(rf'memory_bytes{{process="{process}"}} (\S+)', page)
        assert float(resident) > 10 * 2**20
    assert 'seqserve_model_load_seconds{model="ner-en",task="ner",version="1.0.0"}' in page
    for metric in ("request_total", "request_duration_seconds_count", "request_in_progress"):
        assert any(
            line.startswith(f"bentoml_service_{metric}")
            and 'endpoint="/predict"' in line
            and 'runner_name="NerRunner"' in line
            for line in page.splitlines()
        )


def test_nothing_of_bentoml_is_reachable(served: Serve) -> None:
    pickle = {"content-type": "application/vnd.bentoml+pickle"}
    for path in ("/schema.json", "/healthz", "/predict", "/static_content/index.css"):
        assert served.client.get(path).json()["code"] == "not_found"
    assert "bento" not in served.client.get("/").text.lower()
    response = served.client.post("/v1/ner", content=b"\x80\x05N.", headers=pickle)
    assert response.json()["code"] == "unsupported_media_type"


def test_the_head_of_the_page(served: Serve) -> None:
    whole, head = served.client.get("/"), served.client.head("/")
    assert head.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "content-security-policy"):
        assert head.headers[name] == whole.headers[name]
    again = served.client.get("/", headers={"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_everything_in_one_process(tmp_path: Path, bundles_dir: Path) -> None:
    with running_server(
        tmp_path, bundles_dir, SEQSERVE_TOPOLOGY="embedded", SEQSERVE_MAX_TEXTS="2", **FAKES
    ) as serve:
        assert serve.post("/v1/translate", ["a b", "c d"]).json()["results"][1]["text"] == "d c"
        assert serve.post("/v1/translate", ["a", "b", "c"]).json()["code"] == "too_many_texts"
        with pytest.raises(AssertionError, match="no process"):
            serve.worker("NerRunner")
        assert serve.stop() == 0


def test_sigterm_ends_every_process_and_no_text_was_logged(served: Serve) -> None:
    texts = [fakes.POISON, "Zanzibar", fakes.REFUSED]
    for path in ("/v1/ner", "/v1/sentiment", "/v1/translate"):
        for text in texts:
            served.post(path, text)
    broken = served.client.post(
        "/v1/ner", content=b'{"text": "Zanzibar"', headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400
    children = psutil.Process(served.process.pid).children(recursive=True)
    assert served.stop() == 0
    _, alive = psutil.wait_procs(children, timeout=STOP_S)
    assert alive == []
    log = served.log.read_text()
    assert log.count('"event":"request"') >= 10
    assert not [text for text in texts if text in log]
    assert "Traceback" not in log
