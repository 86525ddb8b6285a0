"""Servers under test: started, watched and stopped as process trees."""

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
from typing import Literal, Self

import psutil

from benchmarks.http import null
from benchmarks.http.connection import HOST
from benchmarks.http.cores import Cpus, started_on
from seqserve.errors import DataError

ROOT = Path(__file__).parents[2]
OURS = (sys.executable, "-m", "bentoml", "serve", "service.app:Gateway", "--host", HOST)
BARE = (sys.executable, "-m", "benchmarks.http.bare")
START_S, STOP_S = 120.0, 30.0

Topology = Literal["embedded", "runners"]


class Server:
    """A server and all its processes, from `with` until its end.

    Args:
        command: What starts it; it answers `GET /readyz` with 200 when it can be used.
        port: Where it listens, on this machine only.
        environment: Variables beside this process's.
        log: File that gets what it prints.
        cpus: Processors that it may use.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        environment: Mapping[str, str],
        log: Path,
        cpus: Cpus,
    ) -> None:
        self.port = port
        self._log = log
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        with log.open("wb") as out, started_on(cpus):
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=variables,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until it can be used.

        Raises:
            DataError: It ended, or it takes too long; with the end of what it printed.
        """
        end = time.monotonic() + START_S
        try:
            while not self._is_ready():
                if self._process.poll() is not None or time.monotonic() > end:
                    raise DataError(f"a server does not start: {self._log.read_text()[-2000:]}")
                time.sleep(0.1)
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

    def cpu_s(self) -> float:
        """User and system time of all its processes so far, in seconds."""
        times = [process.cpu_times() for process in self._family()]
        return float(sum(one.user + one.system for one in times))

    def stop(self) -> None:
        """End all its processes; gently at first."""
        if self._process.poll() is None:
            family = self._family()
            self._process.send_signal(signal.SIGTERM)
            _, alive = psutil.wait_procs(family, timeout=STOP_S)
            for process in alive:
                process.kill()
            psutil.wait_procs(alive, timeout=STOP_S)
        self._process.wait(STOP_S)

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
    topology: Topology, bundles: Path, scratch: Path, cpus: Cpus, **settings: str
) -> Server:
    """Start the server of this project; its log level is `warning`, so no line per request.

    Args:
        topology: One process per task, or one for all.
        bundles: Folder of bundles.
        scratch: Folder for its log and BentoML's files.
        cpus: Processors that it may use.
        settings: More environment variables.
    """
    port = _free_port()
    environment = {
        "BENTOML_HOME": str(scratch / f"bentoml-{port}"),
        "BENTOML_DO_NOT_TRACK": "True",
        "SEQSERVE_BUNDLES_DIR": str(bundles.resolve()),
        "SEQSERVE_LOG_LEVEL": "warning",
        "SEQSERVE_TOPOLOGY": topology,
        **settings,
    }
    command = [*OURS, "--port", str(port)]
    return Server(command, port, environment, scratch / f"server-{port}.log", cpus)


def null_server(topology: Topology, bundles: Path, scratch: Path, cpus: Cpus) -> Server:
    """Start the server of this project on engines that compute nothing."""
    return our_server(topology, bundles, scratch, cpus, SEQSERVE_ENGINE_FACTORY=null.FACTORY)


def bare_server(bundles: Path, scratch: Path, cpus: Cpus) -> Server:
    """Start the least that answers the same requests, on engines that compute nothing."""
    port = _free_port()
    command = [*BARE, str(port), str(bundles)]
    return Server(command, port, {}, scratch / f"bare-{port}.log", cpus)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
