"""A server of ours, in processes of its own and with a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from seqserve.errors import SeqserveError

_ROOT = Path(__file__).parents[1]
_START_S, _STOP_S = 120.0, 20.0


class ServerFailed(SeqserveError):
    """The server did not become ready."""


@contextmanager
def running(bundles: Path, folder: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Gives the base URL of a server that is ready; it is gone afterwards.

    Args:
        bundles: What it serves.
        folder: For its log and its files; no other server may use it.
        settings: `SEQSERVE_…` variables.

    Raises:
        ServerFailed: it was not ready after two minutes; the message has the end of its log.
    """
    port, log = _free_port(), folder / "server.log"
    ours = {
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": str(_ROOT),
        "SEQSERVE_BUNDLES_DIR": str(bundles.resolve()),
        **settings,
    }
    command = [sys.executable, "-m", "bentoml", "serve", "service.app:Gateway"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=_ROOT,
            env={**os.environ, **ours},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        base_url = f"http://127.0.0.1:{port}"
        if not _is_ready(base_url, process):
            end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise ServerFailed(f"the server did not become ready; the end of its log:\n{end}")
        yield base_url
    finally:
        _end(process)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _is_ready(base_url: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{base_url}/readyz", timeout=5, trust_env=False).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and its workers, which have process groups of their own."""
    family: list[psutil.Process] = []
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=_STOP_S)
    for worker in alive:
        worker.kill()
    process.kill()
    process.wait()
