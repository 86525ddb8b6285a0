from __future__ import annotations

import platform
from pathlib import Path

from loadtest.machine import describe_machine


def test_a_machine(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor: 0\nmodel name: A Chip\ncpu family: 25\nmodel: 17\nstepping: 1\n"
        "flags: fpu sse2 avx2 avx512_vnni fma\n\nprocessor: 1\nmodel name: Another\n"
    )
    (tmp_path / "meminfo").write_text("MemTotal:       2097152 kB\n")
    found = describe_machine(["pytest", "no-such-package"], tmp_path)
    assert (found.cpu, found.memory_gib, found.python) == ("A Chip", 2.0, platform.python_version())
    assert found.family == "cpu family 25, model 17, stepping 1" and found.cores >= 1
    assert found.flags == ("avx2", "avx512_vnni", "fma")
    assert found.tools["no-such-package"] == "not installed" and found.tools["pytest"][0].isdigit()


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    found = describe_machine([], proc=tmp_path)
    assert (found.cpu, found.memory_gib) == (platform.machine(), 0)
