"""The machine and the programs that figures were measured with."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from seqserve.cpus import available_cpus
from seqserve.training.hardware import cpu_fields, processor

TOOLS = ("onnxruntime", "ctranslate2", "torch", "numpy")
_FLAGS = re.compile(r"avx\w*|amx\w*|sse4_2|fma|f16c|neon|asimd\w*|sve\w*|i8mm|bf16")


@dataclass(frozen=True)
class Machine:
    """Where figures come from.

    Args:
        cpu: Model of the processor.
        family: Its family, model and stepping: the name alone may hide the generation.
        cores: CPUs that the control group grants.
        flags: Instruction sets that matter here.
        memory_gib: Of the machine.
        system: Kernel and its version.
        python: Version.
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


def describe_machine(proc: Path = Path("/proc"), tools: Sequence[str] = TOOLS) -> Machine:
    """Describe this machine, as `proc` shows it, with the versions of some packages."""
    fields = cpu_fields(proc / "cpuinfo")
    total_kib = re.search(r"MemTotal:\s+(\d+)", (proc / "meminfo").read_text(encoding="utf-8"))
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return Machine(
        cpu=processor(fields),
        family=", ".join(
            f"{k} {fields[k]}" for k in ("cpu family", "model", "stepping") if k in fields
        ),
        cores=available_cpus(),
        flags=tuple(sorted(filter(_FLAGS.fullmatch, flags))),
        memory_gib=round(int(total_kib[1]) / 2**20, 1) if total_kib else 0.0,
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
        tools={tool: version(tool) for tool in tools},
    )
