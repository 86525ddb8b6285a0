from __future__ import annotations

from benchmarks.models.memory import Memory, _resident_mib


def test_what_a_process_takes_is_read() -> None:
    before = _resident_mib()
    kept = bytearray(b"x" * (60 << 20))
    assert 50 < _resident_mib() - before < 70, len(kept)


def test_what_a_model_adds_leaves_the_libraries_out() -> None:
    assert Memory(100, before_mib=70, after_mib=180).added_mib == 110
