"""Misuse of a server: what clients do for some seconds, and resources that are used up and given back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast

import psutil
import pytest

from benchmarks.endurance import faults
from benchmarks.endurance.faults import FAULTS
from tests.serving import free_port

SERVE = """
import sys, uvicorn
from starlette.responses import PlainTextResponse
uvicorn.run(PlainTextResponse("yes"), port=int(sys.argv[1]), lifespan="off", log_level="critical")
"""
MISUSES = [fault for fault in FAULTS if "kill" not in fault.name and "restart" not in fault.name]


class Made:
    """A server of one process, whatever it is called."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._process = process

    def process(self, name: str) -> psutil.Process:
        return self._process

    def processes(self) -> list[psutil.Process]:
        return [self._process]


@pytest.fixture
def made() -> Iterator[Made]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)])
    try:
        found = psutil.Process(process.pid)
        while not any(one.status == "LISTEN" for one in found.net_connections("tcp")):
            assert process.poll() is None
        yield Made(port, found)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "fault", [one for one in MISUSES if "memory" not in one.name], ids=lambda one: one.name
)
def test_a_misuse_ends_and_gives_back_what_it_took(
    monkeypatch: pytest.MonkeyPatch, made: Made, fault: Any
) -> None:
    monkeypatch.setattr(faults, "MISUSE_S", 0.5)
    kinds = (psutil.RLIMIT_NOFILE, psutil.RLIMIT_FSIZE)
    process = made.process("Gateway")
    before = [process.rlimit(kind) for kind in kinds]
    fault.inject(cast(Any, made))
    assert [process.rlimit(kind) for kind in kinds] == before


def test_the_names_of_all_faults_differ() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
