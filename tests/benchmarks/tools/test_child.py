from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from benchmarks.models.memory import Memory, resident_mib
from benchmarks.tools.child import run_child
from loadtest.bodies import Request
from loadtest.metrics import Outcome, Row


def variable(name: str, default: str) -> str:
    return os.getenv(name, default)


def make_memory(load_ms: float, before_mib: float, after_mib: float) -> Memory:
    return Memory(load_ms, before_mib, after_mib)


def say(words: str) -> None:
    print(words)


def size_of(path: Path) -> int:
    return os.stat(path).st_size


def rows_of(requests: list[Request], batches: tuple[tuple[int, ...], ...]) -> list[Row]:
    assert isinstance(batches[0], tuple)
    return [Row(1.0, 2.0, math.nan, one.task, len(one.body), Outcome.SHED, 429) for one in requests]


def test_values_go_in_and_come_out_under_another_environment() -> None:
    call = partial(variable, "BENCH_TEST", "ä")
    assert run_child(call, {"BENCH_TEST": "x\ny"}) == "x\ny"
    assert run_child(call) == "ä"
    assert "BENCH_TEST" not in os.environ
    assert run_child(partial(make_memory, 1.0, 2.0, after_mib=3.0)) == Memory(1.0, 2.0, 3.0)


def test_both_sides_see_the_annotated_types() -> None:
    (row,) = run_child(partial(rows_of, [Request("ner", b"\xff{}")], ((1, 2), (3,))))
    assert isinstance(row, Row) and row.outcome is Outcome.SHED and math.isnan(row.late_ms)
    assert (row.task, row.n_texts, row.status) == ("ner", 3, 429)


def test_what_is_printed_does_not_mix_with_the_result() -> None:
    assert run_child(partial(say, "words")) is None


def test_a_failure_shows_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CalledProcessError):
        run_child(partial(size_of, Path("/no/such/place")))
    assert "/no/such/place" in capfd.readouterr().err


def test_memory_is_that_of_a_fresh_process() -> None:
    assert 1 < run_child(resident_mib) < 1000


def test_processes_that_measure_are_light() -> None:
    """Large libraries would delay every one of them, and count as memory of the models."""
    names = ("http.load", "http.throughput", "models.memory", "models.translation", "models.tuning")
    code = (
        f"import sys, {', '.join(f'benchmarks.{name}' for name in names)}; print(list(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"torch", "scipy", "sklearn", "bentoml"} & set(ast.literal_eval(done.stdout))
