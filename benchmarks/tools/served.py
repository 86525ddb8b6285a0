"""Servers under test, ours and others: started, watched and stopped as process trees."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.tools.cores import Cpus, available, started_on
from seqserve.errors import SeqserveError

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
OURS = (sys.executable, "-m", "seqserve.cli", "serve", "--host", HOST)
START_S, STOP_S = 120.0, 45.0


class ServerFailed(SeqserveError):
    """A server did not become ready."""


class Server:
    """A server and all its processes, from `with` until its end.

    Args:
        command: What starts it; it answers `GET /readyz` with 200 when it can be used.
        port: Where it listens, on this machine only.
        environment: Variables beside this process's.
        log: File that gets what it prints.
        cpus: Processors that it may use; all by default.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        environment: Mapping[str, str],
        log: Path,
        cpus: Cpus | None = None,
    ) -> None:
        self.port = port
        self._log = log
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        with log.open("wb") as out, started_on(cpus or available()):
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=variables,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until it can be used; see `wait_until_ready`."""
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def wait_until_ready(self) -> None:
        """Return when it can be used.

        Raises:
            ServerFailed: It ended, or it takes too long; with the end of what it printed.
        """
        end = time.monotonic() + START_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                end_of_log = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise ServerFailed(f"a server did not become ready:\n{end_of_log}")
            time.sleep(0.1)

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    def cpu_s(self) -> float:
        """User and system time of all its processes so far, in seconds."""
        times = [process.cpu_times() for process in self._family()]
        return float(sum(one.user + one.system for one in times))

    def process(self, service: str) -> psutil.Process:
        """Give the process of one of the services in service/bento/app.py.

        Raises:
            ServerFailed: There is none.
        """
        for child in self._family()[1:]:
            if f"--service-name {service} " in " ".join(child.cmdline()):
                return child
        raise ServerFailed(f"there is no process of {service}")

    def stop(self) -> int:
        """End all its processes, gently at first; gives the exit status."""
        if self._process.poll() is None:
            family = self._family()
            self._process.send_signal(signal.SIGTERM)
            _, alive = psutil.wait_procs(family, timeout=STOP_S)
            for process in alive:
                process.kill()
            psutil.wait_procs(alive, timeout=STOP_S)
        return self._process.wait(STOP_S)

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def our_server(
    bundles: Path,
    folder: Path,
    settings: Mapping[str, str],
    cpus: Cpus | None = None,
    port: int | None = None,
) -> Server:
    """Start the server of this project.

    Args:
        bundles: What it serves.
        folder: For its log.
        settings: `SEQSERVE_…` variables.
        cpus: Processors that it may use; all by default.
        port: Where it listens; by default where nobody does.
    """
    port = port or free_port()
    ours = {"SEQSERVE_BUNDLES_DIR": str(bundles.resolve()), **settings}
    command = [*OURS, "--port", str(port)]
    return Server(command, port, ours, folder / f"server-{port}.log", cpus)


def free_port() -> int:
    """Give a port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
