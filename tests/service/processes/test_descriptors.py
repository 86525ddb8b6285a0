"""A server with few file descriptors: it refuses connections before its engines lack one."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service.processes.descriptors import connection_limit
from tests.serving import FAKES, START_S, Serve

MAX_FILES = 200


@pytest.mark.parametrize(
    ("max_files", "n_connections"), [(100, 50), (512, 256), (1024, 768), (65_536, 65_280)]
)
def test_some_descriptors_are_kept(max_files: int, n_connections: int) -> None:
    assert connection_limit(max_files) == n_connections


def is_refused(connection: socket.socket) -> bool:
    connection.settimeout(0.01)
    try:
        return connection.recv(4096).startswith(b"HTTP/1.1 503 ")
    except TimeoutError:
        return False


@pytest.mark.parametrize("topology", ["embedded", "runners"])
def test_many_connections_harm_no_one_who_is_connected(
    tmp_path: Path, bundles_dir: Path, topology: str
) -> None:
    serve = Serve(tmp_path, bundles_dir, max_files=MAX_FILES, SEQSERVE_TOPOLOGY=topology, **FAKES)
    others: list[socket.socket] = []
    try:
        serve.wait_until_ready(START_S)
        address = urlsplit(serve.base)
        assert address.hostname is not None and address.port is not None
        for _ in range(2 * MAX_FILES):
            others.append(socket.create_connection((address.hostname, address.port), timeout=10))
        assert sum(map(is_refused, others)) >= MAX_FILES
        for path in ("/v1/ner", "/v1/sentiment", "/v1/translate"):  # on the connection of before
            assert serve.post(path, "Ann").status_code == 200
        assert serve.client.get("/readyz").status_code == 200
    finally:
        for one in others:
            one.close()
        assert serve.stop() == 0
    log = serve.log.read_text()
    assert "model down" not in log and "no file descriptor left" not in log
