"""`seqserve serve`: start BentoML's worker processes, restart them, and stop them in order.

The gateway and every runner are `bentoml` workers, as under `bentoml serve`; only its supervisor, circus,
is replaced. Circus checks for dead processes every ten seconds and in containers never, does not detect a
hung process, deletes the runners' sockets before the gateway has finished, and accepts commands of any
local user on a TCP port. This module knows processes and sockets, and no HTTP.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable

from seqserve.errors import ConfigError, SeqserveError
from service.processes import heartbeat
from service.processes.runtime_directory import BACKLOG, RuntimeDirectory, remove_abandoned
from service.processes.terminal import banner, has_terminal
from service.processes.worker import GATEWAY, SERVICES, STOP_S, WorkerProcess
from service.settings import Settings
from service.telemetry.logs import failure_fields, get_logger, is_text_format, print_text

_WORKER = "_bentoml_impl.worker.service"
_LOOK_EVERY_S = 1.0  # at the temporary directory
_RETRY_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0  # of running, after which the back-off starts again


class StartFailed(SeqserveError):
    """A process failed its first start; the message names the process and the reason."""

    code = "start_failed"


class Supervisor:
    """Run all processes of one server.

    Args:
        settings: Topology and timeouts.
        host: Address to listen on.
        port: TCP port; 0 selects a free one.
    """

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings = settings
        self._address = host, port
        self._names: list[str] = [GATEWAY]
        if settings.topology == "runners":
            self._names = [*settings.tasks, GATEWAY]
        self._workers: dict[str, WorkerProcess] = {}
        self._stop = asyncio.Event()
        self._is_urgent = asyncio.Event()
        self._is_over = False
        self._listening: socket.socket | None = None  # of the gateway
        self._env: dict[str, str] = {}

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, or until the terminal is gone; a second signal ends the grace period.

        Raises:
            ConfigError: The address cannot be listened on.
            StartFailed: A process ended during its first start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop_signal)
        had_terminal = has_terminal()
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup, had_terminal)
        for path in remove_abandoned():
            get_logger().info("directory of a dead server removed", path=str(path))
        self._directory = RuntimeDirectory(name for name in self._names if name != GATEWAY)
        tasks: list[asyncio.Task[object]] = []
        try:
            self._prepare()
            tasks = [loop.create_task(self._keep(name)) for name in self._names]
            others = (self._announce(), self._watch_directory(), self._stop.wait())
            tasks += [loop.create_task(other) for other in others]
            await _first_end(tasks)
        finally:
            await self._shut_down()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._listening is not None:
                self._listening.close()
            self._directory.remove()

    def _on_stop_signal(self) -> None:
        if self._stop.is_set():
            self._is_urgent.set()
        self._stop.set()

    def _on_hangup(self, had_terminal: bool) -> None:
        """Stop if the terminal was closed, without loss of accepted requests; else reload the models."""
        if had_terminal and not has_terminal():
            self._on_stop_signal()
            return
        gateway = self._workers.get(GATEWAY)
        if (
            gateway is not None and gateway.has_begun.is_set()
        ):  # before that, it would end the process
            gateway.signal(signal.SIGHUP)

    def _prepare(self) -> None:
        """Open the sockets, which outlive the processes that listen on them."""
        self._listening = _listen(*self._address)
        addresses = {SERVICES[GATEWAY]: f"http://localhost:{self.port}"}
        for name in self._directory.sockets:
            addresses[SERVICES[name]] = self._directory.socket_path(name).as_uri()
        directory, metrics = str(self._directory.path), str(self._directory.metrics)
        # prometheus_client reads it on import, which happens later, in order to count restarts.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        self._env = {
            "ORT_DISABLE_TELEMETRY": "1",  # else onnxruntime 1.31 records telemetry
            "MALLOC_ARENA_MAX": "2",  # memory freed in an arena per thread would stay with that thread
            **os.environ,
            # The tasks stay the same, whatever happens to the folder of the bundles.
            "SEQSERVE_TASKS": ",".join(self._settings.tasks),
            "BENTOML_HOME": directory,
            "TMPDIR": directory,  # BentoML's clients leave directories there
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_RUNNER_MAP": json.dumps(addresses),
        }

    @property
    def port(self) -> int:
        """The TCP port."""
        assert self._listening is not None
        port: int = self._listening.getsockname()[1]
        return port

    async def _announce(self) -> None:
        """Announce the server once all processes have started, and wait forever."""
        while not all(
            name in self._workers and self._workers[name].has_begun.is_set() for name in self._names
        ):
            await asyncio.sleep(0.05)
        host = self._address[0]
        url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        if is_text_format(self._settings.log_format):
            print_text(banner(url, has_demo=self._settings.demo))
        else:
            get_logger().info("serving", url=url)
        await asyncio.Event().wait()

    async def _watch_directory(self) -> None:
        """Restart the runners whose sockets were deleted, on new ones.

        Raises:
            ConfigError: There can be no new ones.
        """
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for name in self._directory.restore():
                if name in self._workers:
                    self._workers[name].signal(signal.SIGKILL)

    async def _keep(self, name: str) -> None:
        """Start a process, and restart it whenever it ends.

        Raises:
            StartFailed: Its first start failed.
        """
        n_failures, has_begun_once = 0, False
        while True:
            worker = await self._start(name)
            how = await worker.until_end(self._restart)
            if self._has_ended(name):
                return
            has_begun_once = has_begun_once or worker.has_begun.is_set()
            if not has_begun_once:
                raise StartFailed(worker.reason or f"{name} ended while starting: {how}")
            if time.monotonic() - worker.started > _STEADY_S:
                n_failures = 0
            delay_s = _RETRY_S[min(n_failures, len(_RETRY_S) - 1)]
            n_failures += 1
            get_logger().error(
                "process ended",
                process=name,
                how=how,
                reason=worker.reason or None,
                restart_in_s=delay_s,
            )
            _record_end(name, worker.process.pid)
            await asyncio.sleep(delay_s)
            if self._has_ended(name):
                return

    def _restart(self, name: str) -> None:
        """Kill the process of a task, which is the gateway's if the topology is `embedded`."""
        get_logger().error("process does not work", process=name)
        self._workers.get(name, self._workers[GATEWAY]).signal(signal.SIGKILL)

    def _has_ended(self, name: str) -> bool:
        return self._is_over or (name == GATEWAY and self._stop.is_set())

    async def _start(self, name: str) -> WorkerProcess:
        ours, theirs = socket.socketpair()
        listening = self._listening if name == GATEWAY else self._directory.sockets[name]
        assert listening is not None
        options = {
            "--fd": listening.fileno(),
            "--service-name": SERVICES[name],
            "--worker-id": 1,
            "--backlog": BACKLOG,
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
        worker = WorkerProcess(name, process, *await asyncio.open_connection(sock=ours))
        self._workers[name] = worker
        return worker

    async def _shut_down(self) -> None:
        """Let the gateway finish the accepted requests, then stop the runners."""
        self._stop.set()
        gateway = self._workers.get(GATEWAY)
        if gateway is not None:
            gateway.signal(signal.SIGUSR1)  # see `Gateway.start`; before that, it ends the process
            if self._listening is not None:
                self._listening.close()  # connections are refused once the process has ended
            ended = asyncio.ensure_future(gateway.process.wait())
            urgent = asyncio.ensure_future(self._is_urgent.wait())
            grace_s = self._settings.grace_ms / 1000
            await asyncio.wait((ended, urgent), timeout=grace_s, return_when="FIRST_COMPLETED")
            urgent.cancel()
        self._is_over = True
        for worker in self._workers.values():
            worker.signal(signal.SIGTERM)
        await asyncio.gather(*(worker.end(STOP_S + 2) for worker in self._workers.values()))


async def _first_end(tasks: Iterable[asyncio.Task[object]]) -> None:
    """Wait for the first task to end, and raise its exception."""
    done, _ = await asyncio.wait(list(tasks), return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def _listen(host: str, port: int) -> socket.socket:
    """Open a listening TCP socket.

    Raises:
        ConfigError: The address is no address of this machine, or in use; or the port is none.
    """
    if not 0 <= port <= 65535:  # the system would take the lower 16 bits
        raise ConfigError(f"cannot listen on {host}:{port}: a TCP port is 0 to 65535")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0  # below 0 if a name is not known
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", None)
        reason = reason or "this is not a host name"
        if number == errno.EADDRINUSE:
            reason += "; choose another port with --port"
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from error


def _record_end(name: str, pid: int) -> None:
    """Count a restart, and merge the metrics of the dead process; its gauges end."""
    from service.telemetry import metrics
    from service.telemetry.metric_files import bury

    try:
        bury(os.environ["PROMETHEUS_MULTIPROC_DIR"], pid)
    except Exception as error:  # files that were deleted or damaged end no server
        get_logger().warning("metrics not merged", process=name, **failure_fields(error))
    metrics.RESTARTS.labels(name).inc()


def supervise(settings: Settings, host: str, port: int) -> None:
    """Serve until a signal.

    Raises:
        SeqserveError: As for `Supervisor.run`.
    """
    asyncio.run(Supervisor(settings, host, port).run())
