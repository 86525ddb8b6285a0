from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from service.telemetry.logs import (
    configure_logging,
    failure_fields,
    get_logger,
    is_sampled,
    is_text_format,
    log_request,
)
from tests import fakes
from tests.service.conftest import serving

SECRET = "Hunter2"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def read(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.anyio
async def test_one_line_per_request_and_no_text_anywhere(
    capsys: pytest.CaptureFixture[str], bundles_dir: Path
) -> None:
    configure_logging("debug")
    async with serving(bundles_dir) as server:
        capsys.readouterr()
        await server.post("/v1/ner", {"text": [SECRET, "b"]}, x_request_id="good")
        await server.post("/v1/ner", {"text": [f"{fakes.POISON} {SECRET}"]}, x_request_id="bad")
        await server.post("/v1/ner", {SECRET: 1}, x_request_id="odd")
        await server.client.get(f"/{SECRET}?text={SECRET}", headers={"X-Request-ID": "lost"})
        await server.client.request(SECRET, "/v1/ner", headers={"X-Request-ID": "method"})
        page = (await server.client.get("/metrics")).text
    text = capsys.readouterr().out
    assert SECRET not in text + page
    lines = [json.loads(line) for line in text.splitlines()]
    requests = {line["request_id"]: line for line in lines if line["event"] == "request"}
    assert requests["good"]["n_texts"] == 2
    assert requests["good"]["route"] == "/v1/ner"
    assert requests["good"]["model_ms"] >= 0
    assert requests["bad"]["code"] == "internal"
    assert requests["odd"]["status"] == 422
    assert requests["lost"]["route"] == "unknown"
    assert requests["method"]["method"] == "other"
    failures = [line for line in lines if line["event"] == "text failed"]
    assert [(line["request_id"], line["error"]) for line in failures] == [("bad", "KeyError")]


def test_messages_of_exceptions_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        fields = failure_fields(error)
        get_logger().error("ours", **fields)
        logging.getLogger("bentoml.serve").exception("theirs")
        logging.getLogger("uvicorn.error").error("uvicorn's", exc_info=error)
    assert SECRET not in json.dumps(fields)
    lines = read(capsys)
    assert [line["event"] for line in lines] == ["ours", "theirs", "uvicorn's"]
    assert [line["error"] for line in lines] == ["ValueError <- KeyError"] * 3
    assert "test_logs.py" in str(lines[1]["where"])


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    get_logger().info("too low")
    get_logger().warning("high enough")
    assert [line["event"] for line in read(capsys)] == ["high enough"]


async def _fail(text: str) -> None:
    raise KeyError(text)


@pytest.mark.filterwarnings("default")
def test_asyncio_and_warnings_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")

    async def forget() -> None:
        task = asyncio.get_running_loop().create_task(_fail(SECRET))
        await asyncio.wait([task])

    asyncio.run(forget())
    gc.collect()
    warnings.warn("mind the gap", RuntimeWarning, stacklevel=1)
    text = capsys.readouterr().out
    assert SECRET not in text
    lost, warned = (json.loads(line) for line in text.splitlines())
    assert (lost["logger"], lost["event"]) == ("asyncio", "Task exception was never retrieved")
    assert lost["error"] == "KeyError"
    assert warned["logger"] == "py.warnings" and "mind the gap" in warned["event"]


def test_the_line_of_a_request_is_what_the_logger_writes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_request(logging.INFO, {"status": 200})
    assert "status=200" in capsys.readouterr().out  # before logging is configured
    configure_logging("info")
    log_request(logging.INFO, {"status": 200, "big": 10**30})
    get_logger().info("request", status=200, big=10**30)
    fast, slow = read(capsys)
    for line in (fast, slow):
        assert len(str(line.pop("timestamp"))) == len("2026-01-31T00:00:00.000000Z")
    assert fast == slow == {"event": "request", "level": "info", "status": 200, "big": 10**30}


def test_names_that_are_no_utf8_can_be_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    get_logger().info("found", path=b"a\xff".decode(errors="surrogateescape"))
    assert read(capsys)[0]["path"] == "a\udcff"


def test_lines_of_several_threads_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")

    def write(name: str) -> None:
        for _ in range(100):
            log_request(logging.INFO, {"name": name * 1000})
            get_logger().info("ours", name=name * 1000)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(capsys)) == 800


def test_the_share_of_requests_with_a_line() -> None:
    ids = [f"request-{i}" for i in range(10_000)]
    assert all(is_sampled(one, 1.0) for one in ids)
    assert not any(is_sampled(one, 0.0) for one in ids)
    quarter = {one for one in ids if is_sampled(one, 0.25)}
    assert 2300 < len(quarter) < 2700
    assert quarter <= {one for one in ids if is_sampled(one, 0.5)}
    assert is_sampled("request-1", 0.7342) and not is_sampled("request-1", 0.7341)  # in any process


@pytest.mark.anyio
async def test_only_requests_that_succeed_go_without_a_line(
    capsys: pytest.CaptureFixture[str], bundles_dir: Path
) -> None:
    configure_logging("info")
    async with serving(bundles_dir, log_sample=0.0) as server:
        capsys.readouterr()
        await server.post("/v1/ner", {"text": "a"})
        await server.client.get("/v1/models")
        await server.client.get("/livez")
        await server.post("/v1/ner", {"text": []})
        await server.client.get("/nope")
    assert [line["status"] for line in read(capsys)] == [422, 404]


@pytest.mark.anyio
async def test_probes_are_only_logged_when_they_fail(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    configure_logging("info")
    async with serving(tmp_path) as server:
        capsys.readouterr()
        await server.client.get("/livez")
        await server.client.get("/readyz")
    lines = [line for line in read(capsys) if line["event"] == "request"]
    assert [(line["route"], line["code"]) for line in lines] == [("/readyz", "not_ready")]


@pytest.mark.anyio
async def test_under_overload_there_is_one_short_line_per_request(
    capsys: pytest.CaptureFixture[str], bundles_dir: Path
) -> None:
    configure_logging("info")
    async with serving(bundles_dir, max_queue_texts=1) as server:
        server.engine("ner").may_go_on.clear()
        waiting = []
        for _ in range(2):  # one in the engine, one in the queue
            waiting.append(asyncio.create_task(server.post("/v1/ner", {"text": "a"})))
            await asyncio.sleep(0.02)
        capsys.readouterr()
        refused = [await server.post("/v1/ner", {"text": SECRET}) for _ in range(50)]
        late = await server.post("/v1/sentiment", {"text": fakes.SLOW}, x_timeout_ms="1")
        text = capsys.readouterr().out
        server.engine("ner").may_go_on.set()
        await asyncio.gather(*waiting)
    assert {answer.status_code for answer in refused} == {429} and late.status_code == 504
    assert len(text.splitlines()) == 51
    assert max(len(line) for line in text.splitlines()) < 300
    assert "where" not in text and "Traceback" not in text


def test_readable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "text")
    get_logger().info("bundle ready", path="bundles/ner")
    log_request(logging.INFO, {"status": 200})
    first, second = capsys.readouterr().out.splitlines()
    assert "bundle ready" in first and "path=bundles/ner" in first
    assert "request" in second and "status=200" in second


@pytest.mark.parametrize(("is_terminal", "is_text"), [(True, True), (False, False)])
def test_the_format_follows_stdout_unless_set(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, is_text: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    assert is_text_format("auto") == is_text
    assert is_text_format("text") and not is_text_format("json")


@pytest.mark.parametrize(("level", "n_lines"), [("debug", 1), ("info", 0)])
def test_hooks_of_bentoml_are_for_debugging(
    capsys: pytest.CaptureFixture[str], level: str, n_lines: int
) -> None:
    configure_logging(level)
    logging.getLogger("bentoml.serve").info("Running startup hook")
    assert len(read(capsys)) == n_lines
