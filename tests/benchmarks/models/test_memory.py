from __future__ import annotations

from functools import partial

from benchmarks.models.memory import Memory, resident_mib
from benchmarks.tools.child import run_child


def grown_mib(n_mib: int) -> float:
    before = resident_mib()
    kept = bytearray(b"x" * (n_mib << 20))
    return resident_mib() - before if kept else 0.0


def test_resident_memory_is_measured() -> None:
    """In a process of its own: the allocator of a long test run may return memory meanwhile."""
    assert 50 < run_child(partial(grown_mib, 60)) < 70


def test_what_a_model_adds_leaves_the_libraries_out() -> None:
    assert Memory(100, before_mib=70, after_mib=180).added_mib == 110
