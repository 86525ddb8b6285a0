from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app

ROOT = Path(__file__).parents[2]


def load(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seqserve.cli", "dev", "load", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


LINES = {
    "list": (["list"], 0, "smoke"),
    "help": (["--help"], 0, "python -m loadtest"),
    "nothing": ([], 0, "python -m loadtest"),
    "help of run": (["run", "--help"], 0, "--host"),
    "unknown": (["walk"], 2, "invalid choice"),
    "no server": (["run", "smoke", "--host", "http://127.0.0.1:9"], 2, "127.0.0.1:9"),
}


@pytest.mark.parametrize(("words", "status", "said"), LINES.values(), ids=LINES)
def test_words_and_exit_codes_are_those_of_the_load_tests(
    words: list[str], status: int, said: str
) -> None:
    done = load(*words)
    assert done.returncode == status
    assert said in done.stdout + done.stderr


def test_without_locust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("seqserve.cli.dev.load"), "find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["dev", "load", "list"])
    assert done.exit_code == 1 and done.stdout == ""
    assert "requirements/load.txt" in done.stderr
