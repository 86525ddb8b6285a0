from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.tools.cores import Cores, split_cores, started_on

SPLITS = {
    "one": ((3,), Cores((3,), (3,), (3,))),
    "two": ((0, 1), Cores((0, 1), (0,), (1,))),
    "many": ((0, 2, 5, 7), Cores((0, 2, 5, 7), (0,), (7,))),
}


@pytest.mark.parametrize(("cpus", "split"), SPLITS.values(), ids=SPLITS)
def test_split(cpus: tuple[int, ...], split: Cores) -> None:
    assert split_cores(cpus) == split


def test_this_machine_is_split() -> None:
    assert set(split_cores().all) == os.sched_getaffinity(0)


def test_processes_started_meanwhile_stay_on_their_processors() -> None:
    before = os.sched_getaffinity(0)
    code = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]
    with started_on((min(before),)):
        inside = subprocess.run(code, capture_output=True, text=True, check=True).stdout
    assert eval(inside) == {min(before)}
    assert os.sched_getaffinity(0) == before


def test_the_processors_come_back_after_an_error() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(KeyError), started_on((min(before),)):
        raise KeyError
    assert os.sched_getaffinity(0) == before
