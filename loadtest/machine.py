"""Where the generator runs, and with what."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

TOOLS = ("locust", "gevent", "geventhttpclient", "prometheus-client")


@dataclass(frozen=True)
class Machine:
    """The generator's machine; the server's is the same only where the host is this one.

    Args:
        cpu: Model of the processor.
        cores: Processors of the machine.
        memory_gib: Of the machine.
        system: Kernel and its version.
        python: Version.
        tools: Version by package.
    """

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    tools: dict[str, str]


def describe_machine(proc: Path = Path("/proc"), tools: Sequence[str] = TOOLS) -> Machine:
    """Describe this machine as `proc` shows it."""
    model = re.search(r"model name\s*:\s*(.+)", _text(proc / "cpuinfo"))
    total_kib = re.search(r"MemTotal:\s+(\d+)", _text(proc / "meminfo"))
    return Machine(
        cpu=model[1] if model else platform.machine(),
        cores=os.cpu_count() or 0,
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
