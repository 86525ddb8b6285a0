from __future__ import annotations

import os
from functools import partial
from subprocess import CalledProcessError

import pytest

from benchmarks.models.memory import Memory, resident_mib
from benchmarks.tools.child import run_child


def test_values_go_in_and_come_out_under_another_environment() -> None:
    call = partial(os.getenv, "BENCH_TEST", "ä")
    assert run_child(call, {"BENCH_TEST": "x\ny"}) == "x\ny"
    assert run_child(call) == "ä"
    assert "BENCH_TEST" not in os.environ
    assert run_child(partial(Memory, 1.0, 2.0, 3.0)) == Memory(1.0, 2.0, 3.0)


def test_what_is_printed_does_not_mix_with_the_result() -> None:
    assert run_child(partial(print, "words")) is None


def test_a_failure_shows_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CalledProcessError):
        run_child(partial(os.stat, "/no/such/place"))
    assert "/no/such/place" in capfd.readouterr().err


def test_memory_is_that_of_a_fresh_process() -> None:
    assert 1 < run_child(resident_mib) < 1000
