from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest

from tests.environment import clean

ROOT = Path(__file__).parents[1]
REMOVED = {
    "SEQSERVE_TASKS": "ner",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.invalid",
    "OMP_NUM_THREADS": "7",
    "LC_ALL": "de_DE.ISO-8859-1",
    "LANGUAGE": "de",
    "FORCE_COLOR": "1",
    "GITHUB_ACTIONS": "true",
    "MAKEFLAGS": " -j2 --jobserver-auth=3,4",
    "https_proxy": "http://a.invalid",
    "PYTHONWARNINGS": "error",
}
PROBE = """
import os, signal, tempfile, time
from tests.environment import enter
with enter() as home:
    ignored = [n for n in signal.Signals if signal.getsignal(n) == signal.SIG_IGN]
    print(sorted(signal.Signals(n).name for n in ignored))
    print(os.environ["HOME"] == home, time.tzname[0], oct(os.umask(0)), "LC_ALL" in os.environ)
print(os.path.exists(home), tempfile.gettempdir(), os.environ["TMPDIR"])
"""


def test_what_changes_results_is_removed_and_the_rest_stays() -> None:
    environment = {
        **REMOVED,
        "PATH": "/bin",
        "TMPDIR": "/a",
        "TZ": "Asia/Kathmandu",
        "HOMEPAGE": "x",
    }
    clean(environment, "/home")
    assert environment == {
        "PATH": "/bin",
        "TMPDIR": "/a",
        "HOMEPAGE": "x",
        "HOME": "/home",
        "TZ": "UTC",
        "COLUMNS": "100",
        "HF_HUB_OFFLINE": "1",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }
    clean(empty := {}, "/home")
    assert empty["PATH"] and empty["HOME"] == "/home"


def test_the_tests_run_in_it() -> None:
    assert not set(os.environ) & set(REMOVED)
    assert (os.environ["TERM"], time.tzname[0]) == ("dumb", "UTC")
    assert Path.home() != Path("~root").expanduser() and Path.home().is_dir()


def hostile() -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.setsid()


def test_a_process_without_terminal_home_and_signals(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    found = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=ROOT,
        env={"TZ": "Asia/Kathmandu", "LC_ALL": "C", "TMPDIR": str(long)},
        preexec_fn=hostile,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.splitlines()
    assert found == ["['SIGPIPE', 'SIGXFSZ']", "True UTC 0o22 False", "False /tmp /tmp"]


@pytest.mark.parametrize("name", ["SEQSERVE_PORT", "MAKELEVEL", "https_proxy"])
def test_any_case_of_a_name_is_removed(name: str) -> None:
    environment = {name.swapcase(): "x"}
    clean(environment, "/home")
    assert name.swapcase() not in environment


def test_no_example_is_late() -> None:
    assert hypothesis.settings().deadline is None
