"""A server whose stdout is not read, full or closed answers and stops as any other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.serving import FAKES, ROOT, START_S, free_port

N_REQUESTS = 1500  # a line of about 300 bytes each: more than a pipe holds, which is 64 KiB


@pytest.mark.parametrize("kind", ["unread", "full", "closed"])
def test_it_answers_and_stops(tmp_path: Path, bundles_dir: Path, kind: str) -> None:
    read, write = os.pipe()
    if kind == "closed":
        os.close(read)
    elif kind == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), write)
    port = free_port()
    env = {**os.environ, **FAKES, "SEQSERVE_BUNDLES_DIR": str(bundles_dir)}
    command = [sys.executable, "-m", "seqserve.cli", "serve", "--port", str(port)]
    with (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=write, stderr=stderr, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
            _wait_until_ready(client)
            for _ in range(N_REQUESTS if kind == "unread" else 20):
                answer = client.post("/v1/ner", json={"text": "Ann"})
                assert answer.status_code == 200
            page = client.get("/metrics").text
        dropped = next(
            float(line.split()[1])
            for line in page.splitlines()
            if line.startswith('seqserve_log_lines_dropped_total{process="gateway"} ')
        )
        assert dropped > 0 or kind == "unread"  # the queue still has room
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert time.monotonic() - started < 8
        assert "Traceback" not in (tmp_path / "stderr").read_text()
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(client: httpx.Client) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if client.get("/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("not ready")
