"""A stdout that is not read, full or closed: nobody waits, and nothing is lost without being counted."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from service.telemetry.line_writer import MAX_BYTES, LineWriter
from tests.serving import ROOT

N_LINES = 20_000
LOGGING = """
import logging, sys, time
from service.telemetry import metrics
from service.telemetry.logs import configure_logging, get_logger, log_request, print_text
configure_logging("info", "json")
started = time.monotonic()
for i in range(int(sys.argv[1])):
    log_request(logging.INFO, {"i": i, "filler": "x" * 500})
    if i % 100 == 0:
        get_logger().info("ours", i=i)
print_text("banner")
seconds = time.monotonic() - started
dropped = metrics.LOG_LINES_DROPPED.labels("supervisor")._value.get()
print(seconds, dropped, file=sys.stderr)
"""


def explain(n_lines: int) -> str:
    return f"dropped {n_lines}\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        with suppress(OSError):  # the test closed it
            os.close(fd)


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def run_logging(
    stdout: int, n_lines: int = N_LINES
) -> tuple[subprocess.CompletedProcess[str], float]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", LOGGING, str(n_lines)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        timeout=60,
        check=False,
    )
    return done, time.monotonic() - started


def test_all_lines_are_written_in_order_also_at_the_end(tmp_path: Path) -> None:
    n_lines = 3000  # fit into the queue
    with (tmp_path / "log").open("wb") as file:
        done, _ = run_logging(file.fileno(), n_lines)
    assert done.returncode == 0, done.stderr
    *lines, banner = (tmp_path / "log").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert banner == "banner"
    assert [one["i"] for one in found if one["event"] == "request"] == list(range(n_lines))
    assert len(found) == n_lines + n_lines // 100


def test_a_pipe_that_nobody_reads(pipe: tuple[int, int]) -> None:
    done, _ = run_logging(pipe[1])  # times out where a write waits
    seconds, dropped = map(float, done.stderr.split())
    assert done.returncode == 0
    assert dropped > N_LINES / 4
    assert seconds < 20


def test_a_full_device() -> None:
    with open("/dev/full", "wb") as file:
        done, _ = run_logging(file.fileno())
    assert done.returncode == 0
    assert "Traceback" not in done.stderr and "Error" not in done.stderr


def test_a_closed_pipe(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    done, _ = run_logging(pipe[1])
    assert done.returncode == 0
    assert "Traceback" not in done.stderr and "Error" not in done.stderr


def test_the_number_of_dropped_lines_is_reported_when_writing_works_again(
    pipe: tuple[int, int],
) -> None:
    dropped: list[int] = []
    writer = LineWriter(pipe[1], dropped.append, explain)
    line = "x" * 999 + "\n"
    n_lines = MAX_BYTES // len(line) + 1000
    for _ in range(n_lines):
        writer.write(line)
    assert sum(dropped) > 500
    content = b""
    while b"dropped" not in content or not content.endswith(b"\n"):
        content += os.read(pipe[0], 2**20)
    kept = content.decode().splitlines()
    assert kept.count(line.strip()) + sum(dropped) == n_lines
    assert kept[-1] == f"dropped {sum(dropped)}"
    writer.write("after\n")
    assert os.read(pipe[0], 100) == b"after\n"


def test_a_line_that_was_cut_off_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    write, n_calls = os.write, 0

    def full_after_four_bytes(descriptor: int, data: bytes) -> int:
        nonlocal n_calls
        if descriptor != fd:
            return write(descriptor, data)
        n_calls += 1
        if n_calls == 2:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:4]) if n_calls == 1 else write(descriptor, data)

    monkeypatch.setattr(os, "write", full_after_four_bytes)
    dropped: list[int] = []
    writer = LineWriter(fd, dropped.append, explain)
    writer.write("a long line\n")
    until(lambda: bool(dropped))
    writer.write("next\n")
    writer.flush()
    os.close(fd)
    assert (tmp_path / "log").read_text() == "a lo\nnext\ndropped 1\n"


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, 4096)
    dropped: list[int] = []
    writer = LineWriter(pipe[1], dropped.append, explain)
    for i in range(2000):
        writer.write(f"{i}\n")
    content = b""
    while not content.endswith(b"\n1999\n"):
        content += os.read(pipe[0], 4096)
    assert content.decode().split() == [str(i) for i in range(2000)]
    assert not dropped


def test_flush_is_bounded(pipe: tuple[int, int]) -> None:
    writer = LineWriter(pipe[1], lambda n_lines: None, explain)
    for _ in range(200):
        writer.write("x" * 999 + "\n")
    started = time.monotonic()
    writer.flush(0.1)
    assert 0.1 <= time.monotonic() - started < 1


def test_the_exit_with_a_full_pipe_takes_a_second(pipe: tuple[int, int]) -> None:
    script = LOGGING.replace("seconds =", "print('logged', file=sys.stderr, flush=True); seconds =")
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(N_LINES)],
        stdout=pipe[1],
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stderr is not None
    try:
        assert process.stderr.readline() == b"logged\n"
        started = time.monotonic()
        assert process.wait(10) == 0
        assert time.monotonic() - started < 3
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
