"""Bars are on stderr, on a terminal, and nowhere else."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from seqserve.cli.progress import bar, working
from seqserve.progress import LinePerMinute

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


def test_a_line_a_minute_without_a_terminal() -> None:
    now, stream = 0.0, io.StringIO()
    log = LinePerMinute("predict ner", stream, clock=lambda: now)
    for now in (0.0, 59.0, 60.0, 61.0, 119.0, 121.0):
        log.tell(f"{now:.0f} records")
    assert stream.getvalue().splitlines() == [
        "seqserve: predict ner: 60 records, 1 min",
        "seqserve: predict ner: 121 records, 2 min",
    ]


def test_a_bar_becomes_lines_in_a_log(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seqserve.progress.LinePerMinute.INTERVAL_S", 0.0)
    with bar("reading", 10) as advance:
        advance(5, "half")
    assert capfd.readouterr() == ("", "seqserve: reading: 50%, half, 0 min\n")


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
