"""The load test against a real server, in processes of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from loadtest.apps import APPS
from loadtest.record import FILE
from seqserve.tasks import TASKS
from tests import fakes
from tests.serving import FAKES, ROOT, Serve, free_port, running_server

GENEROUS = """
[generator]
max_cpu = 1.1
max_lag_ms = 10000
max_late_ms = 10000
[default.routes]
all = { p99_ms = 20000, error_ratio = 0, shed_ratio = 0 }
"""
OWN = """
[climb]
about = "a search"
phases = [{ name = "all", seconds = 1 }]
search = { first_rate = 20, max_rate = 40 }
streams = [{ rate = 20 }]

[plain]
about = "valid requests"
phases = [{ name = "all", seconds = 2 }]
streams = [{ rate = 20, mix = { invalid_share = 0 } }]

[closed]
about = "clients that wait for their answers"
phases = [{ name = "all", seconds = 1 }]
streams = [{ clients = 2 }]

[both]
about = "open and closed streams, and a phase of its own"
phases = [{ name = "alone", seconds = 1 }, { name = "beside", seconds = 1 }]

[[both.streams]]
rate = 20
mix = { tasks = { ner = 1 }, batch_share = 0, invalid_share = 0 }

[[both.streams]]
clients = 3
think_s = 0.01
phases = ["beside"]
mix = { tasks = { translation = 1 } }
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    folder = tmp_path_factory.mktemp("load")
    bundles = fakes.write_bundles(folder / "bundles")
    dialects = "libretranslate,label-studio"
    with running_server(
        folder, bundles, SEQSERVE_TOPOLOGY="embedded", SEQSERVE_DIALECTS=dialects, **FAKES
    ) as serve:
        yield serve


def loadtest(folder: Path, *arguments: str, objectives: str = GENEROUS) -> tuple[int, str]:
    """Exit code and output of a run whose report is in `folder`."""
    (folder / "objectives.toml").write_text(objectives)
    (folder / "profiles.toml").write_text(OWN)
    files = ["--objectives", str(folder / "objectives.toml"), "--out", str(folder / "runs")]
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", "run", *arguments, *files],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def report(folder: Path) -> dict[str, Any]:
    (found,) = (folder / "runs").iterdir()
    assert "data:image/png" in (found / "report.html").read_text()
    table: dict[str, Any] = json.loads((found / FILE).read_text())
    return table


def test_smoke(tmp_path: Path, served: Serve) -> None:
    code, shown = loadtest(
        tmp_path, "smoke", "--host", served.base, "--seconds", "4", "--rate", "50"
    )
    assert code == 0, shown
    assert re.search(r"The service met its objectives: .*\n.*report\.html", shown)
    found = report(tmp_path)
    routes = found["phases"][0]["routes"]
    assert set(routes) == {"all", "ner", "sentiment", "translation"}
    assert routes["all"]["n"] == pytest.approx(50 * (4 - 4 * 2 / 30), rel=0.4)
    assert routes["all"]["n_refused"] > 0 and routes["all"]["n_failed"] == 0
    assert set(routes["all"]["statuses"]) >= {"200", "400", "415", "422"}
    assert {model["task"] for model in found["models"]} == set(TASKS)
    assert all(len(model["sha256"]) == 64 for model in found["models"])
    last = found["readings"][-1]
    assert set(last["queue_texts"]) == set(TASKS)
    assert last["memory_bytes"]["gateway"] > 2**20 and found["notes"] == []


@pytest.mark.parametrize(
    ("objectives", "code", "words"),
    [
        pytest.param("[default.routes]\nall = { p50_ms = 0.001 }\n", 1, "p50_ms", id="missed"),
        pytest.param("[generator]\nmax_cpu = 0.0\n", 3, "This run does not count", id="busy"),
    ],
)
def test_runs_that_fail(
    tmp_path: Path, served: Serve, objectives: str, code: int, words: str
) -> None:
    generous = "" if code == 3 else GENEROUS.partition("[default")[0]
    done, shown = loadtest(
        tmp_path, "smoke", "--host", served.base, "--seconds", "2", objectives=generous + objectives
    )
    assert (done, words in shown) == (code, True), shown


def test_a_search(tmp_path: Path, served: Serve) -> None:
    own = str(tmp_path / "profiles.toml")
    code, shown = loadtest(
        tmp_path, "climb", "--profiles", own, "--host", served.base, "--task", "ner"
    )
    assert code == 0, shown
    found = report(tmp_path)
    assert found["saturation_per_s"] == 40
    assert [step["rate"] for step in found["steps"]] == [20, 40]
    assert set(found["steps"][0]["routes"]) == {"all", "ner"}


def test_open_and_closed_streams(tmp_path: Path, served: Serve) -> None:
    own = str(tmp_path / "profiles.toml")
    code, shown = loadtest(tmp_path, "both", "--profiles", own, "--host", served.base)
    assert code == 0, shown
    alone, beside = (phase["routes"] for phase in report(tmp_path)["phases"])
    assert set(alone) == {"all", "ner"} and alone["ner"]["n"] == pytest.approx(20, abs=15)
    assert beside["translation"]["n"] > 10 and beside["ner"]["n"] == pytest.approx(20, abs=15)


def test_apps_behind_dialects(tmp_path: Path, served: Serve) -> None:
    """Every request of every app is accepted."""
    rate = ("--rate", "50", "--seconds", "4")
    code, shown = loadtest(tmp_path, "apps", "--host", served.base, *rate)
    assert code == 0, shown
    routes = report(tmp_path)["phases"][0]["routes"]
    assert set(routes) == {"all", *APPS}
    assert routes["all"]["n_failed"] == 0 and set(routes["all"]["statuses"]) == {"200"}
    assert routes["weblate"]["texts_per_s"] == pytest.approx(
        20 * routes["weblate"]["accepted_per_s"]
    )


def test_a_closed_stream_is_never_late(tmp_path: Path, served: Serve) -> None:
    own, strict = (
        str(tmp_path / "profiles.toml"),
        GENEROUS.replace("late_ms = 10000", "late_ms = 0"),
    )
    arguments = ("--profiles", own, "--host", served.base)
    assert loadtest(tmp_path, "closed", *arguments, objectives=strict)[0] == 0
    assert loadtest(tmp_path, "plain", *arguments, objectives=strict)[0] == 3


class Closing(BaseHTTPRequestHandler):
    """Answers the first request of a connection and closes it when the second one has come.

    It takes so long that a client keeps several connections, and one that was closed is not the only one.
    """

    protocol_version = "HTTP/1.1"
    n_answered = 0

    def do_GET(self) -> None:
        self.answer(b'{"models": []}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.n_answered += 1
        if self.n_answered > 1:
            self.close_connection = True
        else:
            time.sleep(0.15)
            self.answer(b"{}")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_connection_that_closes_is_no_failure(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Closing)
    Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        own, host = str(tmp_path / "profiles.toml"), f"http://127.0.0.1:{server.server_port}"
        code, shown = loadtest(tmp_path, "plain", "--profiles", own, "--host", host)
    finally:
        server.shutdown()
        server.server_close()
    assert code == 0, shown
    assert re.search(r"\d+ requests were sent again: their connection had been closed", shown)


def test_nobody_there(tmp_path: Path) -> None:
    code, shown = loadtest(tmp_path, "smoke", "--host", f"http://127.0.0.1:{free_port()}")
    assert code == 2 and "no server answers" in shown and "make serve" in shown
    assert "Traceback" not in shown


def test_locusts_own_command_line(served: Serve) -> None:
    options = [
        "--headless",
        "--users",
        "10",
        "--spawn-rate",
        "10",
        "--run-time",
        "6s",
        "--only-summary",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--host", served.base, *options],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in ("/v1/ner single", "/v1/sentiment batch", "/v1/translate single"):
        assert name in done.stderr + done.stdout
