"""The machine and the packages that a result was measured with."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from seqserve.cpus import available_cpus

TOOLS = ("uvloop", "httptools", "prometheus-client")
_FLAGS = re.compile(r"avx\w*|amx\w*|sse4_2|fma|f16c|neon|asimd\w*|sve\w*|i8mm|bf16")
_FAMILY = ("cpu family", "model", "stepping")


@dataclass(frozen=True)
class Machine:
    """Where a result was measured; a server may run on another machine than its load generator.

    Args:
        cpu: Model of the processor.
        family: Family, model and stepping: the name alone may hide the generation.
        cores: CPUs that the process may use.
        flags: Instruction sets that matter for inference.
        memory_gib: Memory of the machine.
        system: Kernel and its version.
        python: Version of Python.
        tools: Version by package.
    """

    cpu: str
    family: str
    cores: int
    flags: tuple[str, ...]
    memory_gib: float
    system: str
    python: str
    tools: dict[str, str]


def describe_machine(tools: Sequence[str] = TOOLS, proc: Path = Path("/proc")) -> Machine:
    """Describe this machine.

    Args:
        tools: Packages whose versions are reported.
        proc: Where the process file system is mounted.
    """
    lines = reversed(_text(proc / "cpuinfo").splitlines())  # the first processor wins
    fields = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    total_kib = re.search(r"MemTotal:\s+(\d+)", _text(proc / "meminfo"))
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return Machine(
        cpu=fields.get("model name") or platform.processor() or platform.machine(),
        family=", ".join(f"{key} {fields[key]}" for key in _FAMILY if key in fields),
        cores=available_cpus(),
        flags=tuple(sorted(filter(_FLAGS.fullmatch, flags))),
        memory_gib=round(int(total_kib[1]) / 2**20, 1) if total_kib else 0.0,
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
        tools={tool: _version(tool) for tool in tools},
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
