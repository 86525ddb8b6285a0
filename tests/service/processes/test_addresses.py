"""What the supervisor says about a place that it cannot use."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqserve.errors import ConfigError
from service.processes.runtime_directory import RuntimeDirectory
from service.processes.supervisor import _listen
from tests.serving import FAKES, ROOT, START_S, Serve

ADDRESSES = {
    "port too large": ("127.0.0.1", 99_999, "0 to 65535"),
    "port negative": ("127.0.0.1", -1, "0 to 65535"),
    "host too long": ("a" * 300, 0, "not a host name"),
    "label too long": ("a" * 64 + ".example", 0, "cannot listen on a"),
    "empty label": ("a..b", 0, "not a host name"),
    "spaces": ("no host", 0, "cannot listen on no host"),
}


@pytest.mark.parametrize(("host", "port", "reason"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_that_is_none(host: str, port: int, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        _listen(host, port)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_directory_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(ConfigError, match=r"cannot make a temporary directory .*TMPDIR"):
        RuntimeDirectory(["ner"])


STARTS = {
    "task twice": ({"SEQSERVE_TASKS": "ner,ner"}, (), "SEQSERVE_TASKS: .*once; repeated: ner"),
    "no task": ({"SEQSERVE_TASKS": ""}, (), "SEQSERVE_TASKS: "),
    "unknown task": ({"SEQSERVE_TASKS": "ner,speech"}, (), "SEQSERVE_TASKS: "),
    "port": ({}, ("--port", "99999"), "65535"),
    "port of the environment": ({"SEQSERVE_PORT": "99999"}, (), "SEQSERVE_PORT is '99999'"),
    "admin port": ({"SEQSERVE_ADMIN_PORT": "99999"}, (), "SEQSERVE_ADMIN_PORT: "),
    "host too long": ({}, ("--host", "a" * 300), "cannot listen on a"),
    "host of the environment": ({"SEQSERVE_HOST": "a b"}, (), "cannot listen on a b"),
}


@pytest.mark.parametrize("module", ["service", "seqserve.cli"])
@pytest.mark.parametrize(("changes", "options", "reason"), STARTS.values(), ids=STARTS)
def test_a_start_that_cannot_succeed_says_why(
    changes: dict[str, str], options: tuple[str, ...], reason: str, module: str
) -> None:
    command = [sys.executable, "-m", module, *(["serve"] if module == "seqserve.cli" else [])]
    done = subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, **FAKES, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in {1, 2}
    assert re.search(reason, done.stderr)
    assert "Traceback" not in done.stderr


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder for temporary files whose path leaves room for the longest name of a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


def test_it_drains_when_its_terminal_is_closed_and_leaves_no_files(
    tmp_path: Path, bundles_dir: Path, place: Path
) -> None:
    terminal, controlling = os.openpty()
    serve = Serve(tmp_path, bundles_dir, terminal=controlling, TMPDIR=str(place), **FAKES)
    os.close(controlling)
    try:
        serve.wait_until_ready(START_S)
        assert [path.name.startswith("seqserve-") for path in place.iterdir()] == [True]
        os.close(terminal)
        started = time.monotonic()
        assert serve.process.wait(20) == 0
        assert time.monotonic() - started < 10
        assert not list(place.iterdir())
    finally:
        serve.kill()
