"""`seqserve serve`: starts BentoML's worker processes, keeps them alive, and ends them in order.

The gateway and every runner is a `bentoml` worker, as under `bentoml serve`; only its supervisor,
circus, is replaced. That one looks for dead processes every ten seconds and in containers never, does
not notice one that hangs, takes the runners' sockets away before the gateway has finished, and listens
for commands of any local user on a TCP port. This module knows processes and sockets, and no HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from seqserve.errors import ConfigError, SeqserveError
from service.processes import heartbeat
from service.processes.worker import STOP_S, WorkerProcess
from service.settings import Settings
from service.telemetry.logs import get_logger

GATEWAY = "gateway"
SERVICES = {
    "ner": "NerRunner",
    "sentiment": "SentimentRunner",
    "translation": "TranslationRunner",
    GATEWAY: "Gateway",
}
"""What BentoML calls the services of service/bento/app.py."""

_WORKER = "_bentoml_impl.worker.service"
_MAX_SOCKET_PATH = 103  # bytes: the smallest limit that a system has for a Unix socket's path
_BACKLOG = 2048
_RETRY_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0  # after which a failure counts as the first


class StartFailed(SeqserveError):
    """A process could not be started for the first time; the message says which and why."""

    code = "start_failed"


class Supervisor:
    """All processes of one server.

    Args:
        settings: Topology and times.
        host: Address to listen on.
        port: TCP port; 0 takes a free one.
    """

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings = settings
        self._address = host, port
        self._names: list[str] = [GATEWAY]
        if settings.topology == "runners":
            self._names = [*settings.tasks, GATEWAY]
        self._children: dict[str, WorkerProcess] = {}
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._is_over = False
        self._sockets: dict[str, socket.socket] = {}
        self._env: dict[str, str] = {}

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT; a second one cuts the grace short.

        Raises:
            ConfigError: the address cannot be listened on.
            StartFailed: a process ended before it had begun, the first time.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        directory = _make_directory(len(f"{max(self._names, key=len)}.sock"))
        tasks: list[asyncio.Task[object]] = []
        try:
            self._prepare(directory)
            tasks = [loop.create_task(self._keep(name)) for name in self._names]
            tasks += [loop.create_task(self._announce()), loop.create_task(self._stop.wait())]
            await _first_end(tasks)
        finally:
            await self._shut_down()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for one in self._sockets.values():
                one.close()
            shutil.rmtree(directory, ignore_errors=True)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def _prepare(self, directory: Path) -> None:
        """Opens the sockets, which outlive the processes that listen on them."""
        addresses = {}
        for name in self._names:
            if name == GATEWAY:
                self._sockets[name] = _listen(*self._address)
                addresses[SERVICES[name]] = f"http://localhost:{self.port}"
            else:
                path = directory / f"{name}.sock"
                self._sockets[name] = one = socket.socket(socket.AF_UNIX)
                one.bind(str(path))
                one.listen(_BACKLOG)
                addresses[SERVICES[name]] = path.as_uri()
        metrics = directory / "prometheus_multiproc_dir"
        metrics.mkdir()
        # Read when prometheus_client is imported: later, and only to count restarts on the same page.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
        self._env = {
            "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime 1.31 writes, and could send, without it
            "MALLOC_ARENA_MAX": "2",  # with one per thread, what a thread freed stays with that thread
            **os.environ,
            "BENTOML_HOME": str(directory),
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_RUNNER_MAP": json.dumps(addresses),
        }

    @property
    def port(self) -> int:
        """The TCP port."""
        port: int = self._sockets[GATEWAY].getsockname()[1]
        return port

    async def _announce(self) -> None:
        """Says once that all processes have begun, and waits for ever."""
        while not all(
            name in self._children and self._children[name].has_begun.is_set()
            for name in self._names
        ):
            await asyncio.sleep(0.05)
        host = self._address[0]
        get_logger().info(
            "serving", url=f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        )
        await asyncio.Event().wait()

    async def _keep(self, name: str) -> None:
        """Starts a process, and again whenever it ends.

        Raises:
            StartFailed: it never began.
        """
        n_failures, has_begun_once = 0, False
        while True:
            child = await self._start(name)
            how = await child.until_end(self._restart)
            if self._is_done_with(name):
                return
            has_begun_once = has_begun_once or child.has_begun.is_set()
            if not has_begun_once:
                raise StartFailed(child.reason or f"{name} ended while starting: {how}")
            if time.monotonic() - child.started > _STEADY_S:
                n_failures = 0
            delay_s = _RETRY_S[min(n_failures, len(_RETRY_S) - 1)]
            n_failures += 1
            get_logger().error(
                "process ended",
                process=name,
                how=how,
                reason=child.reason or None,
                restart_in_s=delay_s,
            )
            _note_end(name, child.process.pid)
            await asyncio.sleep(delay_s)
            if self._is_done_with(name):
                return

    def _restart(self, name: str) -> None:
        """Ends the process of a task, which is the gateway's where they are one."""
        get_logger().error("process does not work", process=name)
        self._children.get(name, self._children[GATEWAY]).signal(signal.SIGKILL)

    def _is_done_with(self, name: str) -> bool:
        return self._is_over or (name == GATEWAY and self._stop.is_set())

    async def _start(self, name: str) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        listening = self._sockets[name]
        options = {
            "--fd": listening.fileno(),
            "--service-name": SERVICES[name],
            "--worker-id": 1,
            "--backlog": _BACKLOG,
            "--timeout-graceful-shutdown": int(STOP_S),
        }
        if name == GATEWAY:
            options["--timeout-keep-alive"] = self._settings.keep_alive_s
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _WORKER, "service.bento.app:Gateway"),
                *(str(part) for option in options.items() for part in option),
                env={**self._env, heartbeat.FD_VARIABLE: str(theirs.fileno())},
                pass_fds=(listening.fileno(), theirs.fileno()),
                process_group=0,  # ^C is for the supervisor; in one session, niceness counts between them
            )
        child = WorkerProcess(process, *await asyncio.open_connection(sock=ours))
        self._children[name] = child
        return child

    async def _shut_down(self) -> None:
        """Lets the gateway finish what it has accepted, and ends the runners then."""
        self._stop.set()
        gateway = self._children.get(GATEWAY)
        if gateway is not None:
            gateway.signal(signal.SIGUSR1)  # see `Gateway.start`; before that, it ends the process
            self._sockets[
                GATEWAY
            ].close()  # so that connections are refused once the process is gone
            ended = asyncio.ensure_future(gateway.process.wait())
            hurry = asyncio.ensure_future(self._hurry.wait())
            grace_s = self._settings.grace_ms / 1000
            await asyncio.wait((ended, hurry), timeout=grace_s, return_when="FIRST_COMPLETED")
            hurry.cancel()
        self._is_over = True
        for child in self._children.values():
            child.signal(signal.SIGTERM)
        await asyncio.gather(*(child.end(STOP_S + 2) for child in self._children.values()))


async def _first_end(tasks: Iterable[asyncio.Task[object]]) -> None:
    """Waits for the first task to end, and raises what it raised."""
    done, _ = await asyncio.wait(list(tasks), return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def _make_directory(longest_name: int) -> Path:
    """Create a temporary directory for this user only, in which Unix sockets can be made.

    A path below a long TMPDIR may exceed what a system takes; the directory is then made in /tmp.

    Args:
        longest_name: Length of the longest file name of a socket.
    """
    directory = Path(tempfile.mkdtemp(prefix="seqserve-"))
    if len(os.fsencode(directory)) + 1 + longest_name <= _MAX_SOCKET_PATH:
        return directory
    directory.rmdir()
    return Path(tempfile.mkdtemp(prefix="seqserve-", dir="/tmp"))


def _listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket.

    Raises:
        ConfigError: the address is no address of this machine, or in use.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _note_end(name: str, pid: int) -> None:
    """Counts a restart, and takes what the dead process measured of itself off the page."""
    from prometheus_client.multiprocess import mark_process_dead

    from service.telemetry import metrics

    mark_process_dead(pid)  # type: ignore[no-untyped-call]
    metrics.RESTARTS.labels(name).inc()


def supervise(settings: Settings, host: str, port: int) -> None:
    """Serves until told to stop.

    Raises:
        SeqserveError: as for `Supervisor.run`.
    """
    asyncio.run(Supervisor(settings, host, port).run())
