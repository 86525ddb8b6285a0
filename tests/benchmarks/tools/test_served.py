from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.http.null import write_bundles
from benchmarks.http.servers import bare_server
from benchmarks.tools.served import Server, ServerFailed, free_port

CPUS = tuple(sorted(os.sched_getaffinity(0)))

WORKING = """
import http.server, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "sum(range(10**8)); import time; time.sleep(99)"])
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if child.poll() is None else 503); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""


def test_a_server_is_all_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.tools.served.STOP_S", 2.0)  # the child does not stop gently
    port = free_port()
    command = [sys.executable, "-c", WORKING, str(port)]
    with Server(command, port, {}, tmp_path / "log", CPUS) as server:
        family = psutil.Process(server._process.pid).children(recursive=True)
        end = time.monotonic() + 30
        while server.cpu_s() < 0.5 and time.monotonic() < end:
            time.sleep(0.1)
        own = psutil.Process(server._process.pid).cpu_times()
        assert server.cpu_s() > own.user + own.system + 0.1  # most of it is the child's
    assert family and not any(process.is_running() for process in family)


def test_a_server_that_does_not_start_is_an_error_with_its_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such bundle'); raise SystemExit(3)"]
    with (
        pytest.raises(ServerFailed, match="no such bundle"),
        Server(command, free_port(), {}, tmp_path / "log", CPUS),
    ):
        pass


def test_a_server_that_is_never_ready_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.tools.served.START_S", 0.3)
    server = Server([sys.executable, "-c", "input()"], free_port(), {}, tmp_path / "log", CPUS)
    with pytest.raises(ServerFailed, match="not become ready"), server:
        pass
    assert server._process.poll() is not None


def test_the_bare_server_starts(tmp_path: Path) -> None:
    with bare_server(write_bundles(tmp_path / "null"), tmp_path, CPUS[:1]) as server:
        process = psutil.Process(server._process.pid)
        assert process.cpu_affinity() == list(CPUS[:1])
        assert 0 < server.cpu_s() < 60
    assert not process.is_running()
