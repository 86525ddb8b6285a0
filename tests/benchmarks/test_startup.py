from __future__ import annotations

import subprocess

import pytest

from benchmarks import startup


def test_what_a_command_costs() -> None:
    cpu, wall = startup.cost(["--help"])
    assert cpu > 0 and wall > 0


def test_a_command_that_fails_has_no_cost() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        startup.cost(["no-such-command"])


def test_every_line_is_shown_with_its_median(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = iter(range(1000))
    monkeypatch.setattr(startup, "cost", lambda words: (0.01 * next(costs), 1.0))
    startup.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seqserve --help: 0.14 s CPU, 1.00 s"  # of 0, 0.03 ... 0.27
    assert len(lines) == len(startup.LINES)
