"""The health check of the image, against a server of this test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.deploy.promql import ROOT

SCRIPT = ROOT / "deploy/docker/healthcheck.py"


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Answer every request with a status; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_port)
        server.shutdown()


def check(variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    known = {"SEQSERVE_ADMIN_PORT", "SEQSERVE_PORT", "PORT"}
    environment = {name: value for name, value in os.environ.items() if name not in known}
    return subprocess.run(
        [sys.executable, "-S", str(SCRIPT)],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"PORT": "HERE"},
        {"SEQSERVE_PORT": "HERE", "PORT": "1"},
        {"SEQSERVE_ADMIN_PORT": "HERE", "SEQSERVE_PORT": "1"},
        {"SEQSERVE_PORT": "tcp://10.0.0.1:80", "PORT": "HERE"},
    ],
    ids=["port", "our port", "admin port", "kubernetes"],
)
def test_a_ready_server_is_healthy(variables: dict[str, str]) -> None:
    with answering(200) as port:
        done = check({name: value.replace("HERE", port) for name, value in variables.items()})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_is_not_ready_is_unhealthy() -> None:
    with answering(503) as port:
        done = check({"PORT": port})
    assert (done.returncode, done.stderr) == (1, "/readyz: 503 /readyz\n")


def test_a_server_that_does_not_answer_is_unhealthy() -> None:
    with answering(200) as port:
        pass
    done = check({"PORT": port})
    assert done.returncode == 1 and done.stderr.startswith("/readyz: ")
