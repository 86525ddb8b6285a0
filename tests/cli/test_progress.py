"""Bars are on stderr, on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from seqserve.cli.progress import bar, working

ROOT = Path(__file__).parents[2]
CODE = """
from seqserve.cli.progress import bar
with bar("reading", 10) as advance:
    for done in range(11):
        advance(done, f"{done} of 10")
print("answer")
"""


def test_nothing_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with bar("reading", 10) as advance:
        advance(5, "half")
    with working("writing"):
        pass
    assert capfd.readouterr() == ("", "")


def test_a_terminal_shows_it_and_stdout_stays_clean() -> None:
    seen, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=60,
        check=True,
    )
    os.close(terminal)
    shown = os.read(seen, 100_000).decode()
    os.close(seen)
    assert done.stdout == b"answer\n"
    assert "reading" in shown and "10 of 10" in shown


def test_what_is_shown_ends_with_an_error() -> None:
    with pytest.raises(ValueError, match="no"), working("writing"):
        raise ValueError("no")
