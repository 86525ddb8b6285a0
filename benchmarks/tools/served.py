"""Servers under test: started, observed and stopped as process trees."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil

from benchmarks.tools.cores import Cpus, split_cores, started_on
from loadtest.service import get
from seqserve.errors import SeqserveError

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
START_S, STOP_S = 120.0, 45.0


class ServerFailed(SeqserveError):
    """A server did not become ready."""


class Server:
    """A server with all its processes, running within `with`.

    Args:
        command: Starts it; it answers `GET /readyz` with 200 when it is ready.
        port: Where it listens, on this machine only.
        environment: Variables beside those of this process.
        log: File for its output.
        cpus: CPUs that it may use; all by default.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        environment: Mapping[str, str],
        log: Path,
        cpus: Cpus | None = None,
    ) -> None:
        self.base_url, self._log = f"http://{HOST}:{port}", log
        self._command, self._environment = command, {"PYTHONPATH": str(ROOT), **environment}
        self._cpus = cpus or split_cores().all
        self.start()

    def start(self) -> None:
        """Start it, on the same port if it was stopped."""
        with self._log.open("wb") as out, started_on(self._cpus):
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, **self._environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until it is ready; see `wait_until_ready`."""
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        self.stop()

    def wait_until_ready(self) -> None:
        """Wait until it is ready.

        Raises:
            ServerFailed: It exited, or it takes too long; with the end of its output.
        """
        end = time.monotonic() + START_S
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                end_of_log = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise ServerFailed(f"a server did not become ready:\n{end_of_log}")
            time.sleep(0.1)

    def cpu_s(self) -> float:
        """Return user and system time of all its processes so far, in seconds."""
        times = [process.cpu_times() for process in self.processes()]
        return float(sum(one.user + one.system for one in times))

    def process(self, service: str) -> psutil.Process:
        """Return the process of one of the services in service/bento/app.py.

        Raises:
            ServerFailed: There is none.
        """
        for child in self.processes()[1:]:
            if f"--service-name {service} " in " ".join(child.cmdline()):
                return child
        raise ServerFailed(f"there is no process of {service}")

    def stop(self) -> int:
        """Stop all its processes, by SIGTERM first; return the exit status."""
        if self._process.poll() is None:
            family = self.processes()
            self._process.send_signal(signal.SIGTERM)
            _, alive = psutil.wait_procs(family, timeout=STOP_S)
            for process in alive:
                process.kill()
            psutil.wait_procs(alive, timeout=STOP_S)
        return self._process.wait(STOP_S)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started."""
        self._process.send_signal(number)

    def get_json(self, path: str, timeout_s: float = 5.0) -> Any:
        """Return the document at a path.

        Raises:
            OSError: There is no answer in time.
            ValueError: It is no JSON.
        """
        return json.loads(get(self.base_url + path, {}, timeout_s)[1])

    def processes(self) -> list[psutil.Process]:
        """Return the process that was started, and its descendants."""
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def is_ready(self, timeout_s: float = 5.0) -> bool:
        """Return whether it answers `GET /readyz` with 200 in time."""
        try:
            return get(f"{self.base_url}/readyz", {}, timeout_s)[0] == 200
        except OSError:
            return False


def our_server(
    bundles: Path, folder: Path, settings: Mapping[str, str], cpus: Cpus | None = None
) -> Server:
    """Start the server of this project on a free port.

    Args:
        bundles: Folder of bundles.
        folder: For its log.
        settings: `SEQSERVE_…` variables.
        cpus: CPUs that it may use; all by default.
    """
    port = free_port()
    variables = {"SEQSERVE_BUNDLES_DIR": str(bundles.resolve()), **settings}
    command = [sys.executable, "-m", "seqserve.cli", "serve", "--host", HOST, "--port", str(port)]
    return Server(command, port, variables, folder / f"server-{port}.log", cpus)


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
