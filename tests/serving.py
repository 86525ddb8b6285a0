"""Run `seqserve serve` with all its processes, for tests that need a real server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[1]
START_S, STOP_S = 60, 15  # of a machine with other work to do
FAKES = {"SEQSERVE_ENGINE_FACTORY": "tests.fakes:open_engine"}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def peak_mb(process: psutil.Process) -> float:
    """Return the peak resident memory of a process in MiB."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert match
    return int(match[1]) / 1024


_IN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Serve:
    """`seqserve serve` in a process group of its own."""

    def __init__(
        self,
        directory: Path,
        bundles_dir: Path,
        port: int | None = None,
        max_files: int | None = None,
        terminal: int | None = None,
        **settings: str,
    ) -> None:
        port = port or free_port()
        self.log = directory / "log.jsonl"
        self.base = f"http://127.0.0.1:{port}"
        ours = {"SEQSERVE_BUNDLES_DIR": str(bundles_dir), **settings}
        command = [sys.executable, "-m", "seqserve.cli", "serve"]
        if max_files is not None:
            command = ["bash", "-c", f'ulimit -n {max_files} && exec "$@"', "bash", *command]
        if terminal is not None:  # the terminal that controls it
            command = [sys.executable, "-c", _IN_TERMINAL, str(terminal), *command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                cwd=ROOT,
                env={**os.environ, **ours},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=() if terminal is None else (terminal,),
            )
        self.client = httpx.Client(base_url=self.base, timeout=20, trust_env=False)

    def post(self, path: str, text: Any, **headers: str) -> httpx.Response:
        return self.client.post(path, json={"text": text}, headers=headers)

    def wait_until_ready(self, seconds: float) -> None:
        self._wait(seconds, "ready", lambda: self.client.get("/readyz", timeout=5).is_success)

    def wait_until_logged(self, text: str) -> None:
        """Wait for a part of the log; the lines of requests are written after their answers."""
        self._wait(START_S, f"logged: {text}", lambda: text in self.log.read_text())

    def _wait(self, seconds: float, what: str, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if is_so():
                    return
            except httpx.TransportError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        status = self.process.poll()
        log = self.log.read_text()[-4000:]
        raise AssertionError(f"not {what} within {seconds} s; exit status {status}:\n{log}")

    def worker(self, service: str) -> psutil.Process:
        for child in self.processes()[1:]:
            command = child.cmdline()
            if "--service-name" not in command:
                continue
            if command[command.index("--service-name") + 1] == service:
                return child
        raise AssertionError(f"no process of {service}")

    def processes(self) -> list[psutil.Process]:
        """Return the supervisor and its descendants."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def stop(self) -> int:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """Stop the server and its workers, which have process groups of their own."""
        self.client.close()
        if self.process.poll() is not None:
            return
        family = self.processes()[1:]
        self.process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=STOP_S)
        for process in alive:
            process.kill()
        self.process.kill()
        self.process.wait(STOP_S)
        assert not alive, f"{len(alive)} workers outlived SIGTERM"


@contextmanager
def running_server(directory: Path, bundles_dir: Path, **settings: str) -> Iterator[Serve]:
    """Run a server: ready when the block starts, stopped with all its workers when it ends."""
    serve = Serve(directory, bundles_dir, **settings)
    try:
        serve.wait_until_ready(START_S)
        yield serve
    finally:
        serve.kill()
