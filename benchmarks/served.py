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

HOST = "127.0.0.1"
_ROOT = Path(__file__).parents[1]
_START_S, _STOP_S = 120.0, 45.0


class ServerFailed(SeqserveError):
    """The server did not become ready."""


class Served:
    """A running server.

    Args:
        bundles: What it serves.
        folder: For its log; no other server may use it.
        settings: `SEQSERVE_…` variables.
        port: TCP port.
    """

    def __init__(
        self, bundles: Path, folder: Path, settings: Mapping[str, str], port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self.base_url = f"http://{HOST}:{self.port}"
        self._log = folder / "server.log"
        ours = {
            "PYTHONPATH": str(_ROOT),
            "SEQSERVE_BUNDLES_DIR": str(bundles.resolve()),
            **settings,
        }
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "serve", "--host", HOST, "--port", str(self.port)],
                cwd=_ROOT,
                env={**os.environ, **ours},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Returns when every model answers.

        Raises:
            ServerFailed: it ended, or was not ready after two minutes; the message has the end of its log.
        """
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self._process.poll() is None:
            if self.is_ready():
                return
            time.sleep(0.2)
        log = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise ServerFailed(f"the server did not become ready; the end of its log:\n{log}")

    def is_ready(self) -> bool:
        """Does `/readyz` say so?"""
        try:
            return httpx.get(f"{self.base_url}/readyz", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def process(self, service: str) -> psutil.Process:
        """The process of one of the services in service/app.py.

        Raises:
            ServerFailed: there is none.
        """
        for child in psutil.Process(self._process.pid).children():
            if f"--service-name {service} " in " ".join(child.cmdline()):
                return child
        raise ServerFailed(f"there is no process of {service}")

    def stop(self) -> int:
        """Sends SIGTERM and gives the exit status; what does not end is killed."""
        family: list[psutil.Process] = []
        if self._process.poll() is None:
            family = psutil.Process(self._process.pid).children(recursive=True)
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_S)
        finally:
            for process in psutil.wait_procs(family, timeout=1)[1]:
                process.kill()
            self._process.kill()
            self._process.wait()


@contextmanager
def running(
    bundles: Path, folder: Path, settings: Mapping[str, str], port: int | None = None
) -> Iterator[Served]:
    """Gives a server that is ready; it is gone afterwards.

    Raises:
        ServerFailed: as for `Served.wait_until_ready`.
    """
    served = Served(bundles, folder, settings, port)
    try:
        served.wait_until_ready()
        yield served
    finally:
        served.stop()


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port
