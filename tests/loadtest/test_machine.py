from __future__ import annotations

import platform
from pathlib import Path

from loadtest.machine import describe_machine


def test_a_machine(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nmodel name\t: A Chip\nmodel name\t: A Chip\n"
    )
    (tmp_path / "meminfo").write_text("MemTotal:       2097152 kB\n")
    found = describe_machine(tmp_path, ["pytest", "no-such-package"])
    assert (found.cpu, found.memory_gib, found.python) == ("A Chip", 2.0, platform.python_version())
    assert found.tools["no-such-package"] == "not installed" and found.tools["pytest"][0].isdigit()


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    found = describe_machine(tmp_path, [])
    assert (found.cpu, found.memory_gib) == (platform.machine(), 0)
