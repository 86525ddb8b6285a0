from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from benchmarks.tools.machine import Machine, describe_machine
from seqserve.config import from_mapping, to_mapping
from seqserve.cpus import available_cpus

CPUINFO = """\
processor\t: 0
model name\t: Some CPU 9000
cpu family\t: 25
model\t\t: 17
stepping\t: 1
flags\t\t: fpu sse2 avx2 avx512_vnni fma constant_tsc

processor\t: 1
model name\t: Another
"""


def test_fields(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    (tmp_path / "meminfo").write_text("MemTotal:       16777216 kB\nMemFree: 1 kB\n")
    machine = describe_machine(tmp_path)
    assert machine.cpu == "Some CPU 9000"
    assert machine.family == "cpu family 25, model 17, stepping 1"
    assert machine.flags == ("avx2", "avx512_vnni", "fma")
    assert machine.memory_gib == 16
    assert machine.cores == available_cpus()


def test_this_machine_says_all_of_it_and_is_read_back() -> None:
    machine = describe_machine()
    assert machine.cores >= 1 and machine.cpu and machine.memory_gib > 0
    assert machine.tools["ctranslate2"] == version("ctranslate2")
    assert set(machine.tools) == {"onnxruntime", "ctranslate2", "torch", "numpy"}
    assert from_mapping(Machine, to_mapping(machine), "here") == machine
