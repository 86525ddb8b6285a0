from __future__ import annotations

from benchmarks.models.memory import Memory, _resident_mib
from benchmarks.tools.child import run_child


def grow(mib: int) -> float:
    """Return the growth in resident memory that `mib` MiB cause in this process."""
    before = _resident_mib()
    kept = bytearray(b"x" * (mib << 20))
    return _resident_mib() - before if kept else 0.0


def test_the_memory_of_a_process_is_read() -> None:
    # In a fresh process: the allocator of one that ran other tests returns and takes memory at any time.
    grown = run_child("tests.benchmarks.models.test_memory:grow", {"mib": 60})
    assert 50 < grown < 70


def test_what_a_model_adds_leaves_the_libraries_out() -> None:
    assert Memory(100, before_mib=70, after_mib=180).added_mib == 110
