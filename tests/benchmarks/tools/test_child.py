from __future__ import annotations

import os
from subprocess import CalledProcessError

import pytest

from benchmarks.tools.child import run_child


def test_values_go_in_and_come_out_under_another_environment() -> None:
    found = run_child("os:getenv", {"key": "BENCH_TEST", "default": "ä"}, {"BENCH_TEST": "x\ny"})
    assert found == "x\ny"
    assert run_child("os:getenv", {"key": "BENCH_TEST", "default": "ä"}) == "ä"
    assert "BENCH_TEST" not in os.environ


def test_a_failure_shows_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CalledProcessError):
        run_child("os:stat", {"path": "/no/such/place"})
    assert "/no/such/place" in capfd.readouterr().err
