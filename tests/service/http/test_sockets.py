"""The sockets of a running server: who can reach them, and no outbound connections.

BentoML's runners execute pickles. Ours answer without BentoML, and their sockets are private too.
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from tests import fakes
from tests.serving import FAKES, ROOT, START_S, Serve

PICKLE = "application/vnd.bentoml+pickle"
WITNESS = ROOT / "tests" / "witness"
PATHS = ("/v1/ner", "/v1/translate", "/", "/predict", "/status", "/cancel", "/readyz", "/docs.json")
_ACCEPTS = 0x10000  # __SO_ACCEPTCON in /proc/net/unix


def connections(process: psutil.Process) -> list[psutil._common.pconn]:
    try:
        return process.net_connections("inet")
    except psutil.NoSuchProcess:
        return []


class Watch:
    """Poll the connections of a server's processes."""

    def __init__(self, serve: Serve) -> None:
        self.peers: set[str] = set()
        self.n_looks = 0
        self._serve = serve
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_over.wait(0.02):
            try:
                found = [one for each in self._serve.processes() for one in connections(each)]
            except psutil.NoSuchProcess:
                return
            self.peers |= {one.raddr.ip for one in found if one.raddr}
            self.n_looks += 1

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()


@dataclass(frozen=True)
class Watched:
    """A server, and its observed connections.

    Args:
        serve: The server.
        watch: Polls its connections.
        seen: Addresses that its processes connected to or resolved, one per line.
    """

    serve: Serve
    watch: Watch
    seen: Path


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, bundles_dir: Path) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("watched")
    seen = directory / "seen"
    serve = Serve(
        directory,
        bundles_dir,
        SOCKETS_SEEN=str(seen),
        PYTHONPATH=os.pathsep.join([str(WITNESS), os.environ.get("PYTHONPATH", "")]),
        **FAKES,
    )
    watch = Watch(serve)
    try:
        serve.wait_until_ready(START_S)
        yield Watched(serve, watch, seen)
    finally:
        watch.stop()
        serve.kill()


def tcp_ports(processes: list[psutil.Process]) -> set[tuple[str, int]]:
    return {
        (one.laddr.ip, one.laddr.port)
        for process in processes
        for one in connections(process)
        if one.status == psutil.CONN_LISTEN
    }


def unix_sockets(processes: list[psutil.Process]) -> set[str]:
    """Return the paths of their listening sockets; an abstract one starts with @."""
    inodes = set()
    for process in processes:
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                inodes.add(match[1])
    found = set()
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        _, _, _, flags, _, _, inode, *path = line.split()
        if inode in inodes and int(flags, 16) & _ACCEPTS:
            found.add(" ".join(path))
    return found


def others_may_reach(path: str) -> bool:
    """Return whether another user could connect to this socket."""
    if path.startswith("@"):
        return True
    if not Path(path).stat().st_mode & stat.S_IWOTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in Path(path).parents)


def malice(marker: Path) -> bytes:
    """Return a pickle that creates a directory when it is loaded: it calls `os.mkdir` with a path."""
    return f"cos\nmkdir\n(V{marker}\ntR.".encode("ascii")


LOAD = """
import sys
from _bentoml_impl.serde import Payload, PickleSerde
PickleSerde().deserialize_value(Payload((sys.stdin.buffer.read(),)))  # as BentoML's runners do
"""


def post_pickles(client: httpx.Client, marker: Path) -> list[int | str]:
    """Post a pickle to every plausible path, and return the results."""
    outcomes: list[int | str] = []
    for path in PATHS:
        try:
            headers = {"content-type": PICKLE}
            response = client.post(path, content=malice(marker), headers=headers)
            outcomes.append(response.status_code)
        except httpx.TransportError as error:  # it does not speak HTTP
            outcomes.append(type(error).__name__)
    return outcomes


def test_the_port_of_the_gateway_is_the_only_one(watched: Watched) -> None:
    url = httpx.URL(watched.serve.base)
    assert tcp_ports(watched.serve.processes()) == {(url.host, url.port)}


def test_the_runners_sockets_are_out_of_reach(watched: Watched) -> None:
    sockets = unix_sockets(watched.serve.processes())
    assert len(sockets) >= 3
    assert [path for path in sockets if others_may_reach(path)] == []


def test_who_may_reach_a_socket(tmp_path: Path) -> None:
    opened = Path("/tmp")
    reachable = opened / f"seqserve-test-{os.getpid()}"
    try:
        reachable.touch(0o777)
        reachable.chmod(0o666)
        assert others_may_reach(str(reachable))
        reachable.chmod(0o644)
        assert not others_may_reach(str(reachable))
    finally:
        reachable.unlink()
    tmp_path.chmod(0o700)
    (tmp_path / "closed").touch()
    (tmp_path / "closed").chmod(0o666)
    assert not others_may_reach(str(tmp_path / "closed"))
    assert others_may_reach("@abstract")


def test_no_pickle_is_executed(watched: Watched, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    load = [sys.executable, "-W", "ignore", "-c", LOAD]
    subprocess.run(load, input=malice(marker), check=True, timeout=60)
    marker.rmdir()  # it existed: this payload works

    processes = watched.serve.processes()
    for host, port in tcp_ports(processes):
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=2, trust_env=False) as client:
            outcomes = post_pickles(client, marker)
        if port == httpx.URL(watched.serve.base).port:
            assert set(outcomes) <= {404, 405, 415}
    for path in unix_sockets(processes):
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=path), base_url="http://x", timeout=2
        ) as client:
            outcomes = post_pickles(client, marker)
        if path.endswith(".sock"):
            assert set(outcomes) <= {200, 404, 500}  # 200: of `/status`, which ignores the body
    assert not marker.exists()
    assert watched.serve.post("/v1/ner", "Ann").status_code == 200


def is_near(address: str) -> bool:
    """Return whether this is a path, a name of this machine, or a local address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address in {"localhost", ""} or address.startswith(("/", "@", "\0"))


def called(line: str) -> str:
    """Return the host or path in a recorded line."""
    match = re.search(r"'([^']*)'", line)
    return match[1] if match else ""


def calls(watched: Watched) -> list[str]:
    """Return the recorded addresses, after a request of every kind."""
    for path in ("/v1/ner", "/v1/sentiment", "/v1/translate"):
        watched.serve.post(path, ["Ann", "ROME", fakes.POISON])
    for path in ("/v1/models", "/metrics", "/docs", "/docs.json", "/readyz", "/nope"):
        watched.serve.client.get(path)
    lines = watched.seen.read_text().splitlines()
    watching = {int(line.split()[1]) for line in lines if line.startswith("process")}
    assert {process.pid for process in watched.serve.processes()} <= watching
    return lines


def test_nobody_outside_is_called(watched: Watched) -> None:
    connected = [line for line in calls(watched) if line.startswith(("socket.c", "socket.s"))]
    assert [line for line in connected if not is_near(called(line))] == []
    assert watched.watch.n_looks > 10
    assert [ip for ip in watched.watch.peers if not is_near(ip)] == []


def test_no_name_is_looked_up(watched: Watched) -> None:
    looked_up = [line for line in calls(watched) if line.startswith("socket.get")]
    assert [line for line in looked_up if not is_near(called(line))] == []


def test_usage_tracking_is_off(watched: Watched) -> None:
    workers = [one for one in watched.serve.processes() if "--service-name" in one.cmdline()]
    assert len(workers) >= 3
    assert {one.environ().get("BENTOML_DO_NOT_TRACK") for one in workers} == {"True"}


CALLS = """
import socket
for call in (
    lambda: socket.create_connection(("127.0.0.1", 9), 1),
    lambda: socket.getaddrinfo("name.invalid", 80, flags=socket.AI_NUMERICHOST),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.2", 9)),
    lambda: socket.socket(socket.AF_UNIX).connect("/nowhere"),
):
    try:
        call()
    except OSError:
        pass
"""


def test_the_witness_sees(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    environment = {**os.environ, "PYTHONPATH": str(WITNESS), "SOCKETS_SEEN": str(seen)}
    subprocess.run([sys.executable, "-c", CALLS], env=environment, check=True, timeout=30)
    first, *calls = seen.read_text().splitlines()
    assert first.startswith("process ")
    found = [called(line) for line in calls]
    assert set(found) == {"127.0.0.1", "name.invalid", "127.0.0.2", "/nowhere"}
    assert [address for address in found if not is_near(address)] == ["name.invalid"]
    assert not is_near("192.0.2.1") and not is_near("t.bentoml.com")
