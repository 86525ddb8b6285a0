from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from service.logs import configure_logging, failure_fields, get_logger
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
