"""What a run computes on, in words for its log."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def hardware_name(device: torch.device) -> str:
    """Name the GPU, or the processor and how many threads compute on it."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{processor(cpu_fields(Path('/proc/cpuinfo')))}, {torch.get_num_threads()} threads"


def processor(fields: dict[str, str]) -> str:
    """Return the model name; what Python knows of it is only the architecture on most systems."""
    return fields.get("model name") or platform.processor() or platform.machine()


def cpu_fields(cpuinfo: Path) -> dict[str, str]:
    """Return what the first processor says of itself; nothing where there is no such file."""
    if not cpuinfo.is_file():
        return {}
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in reversed(lines))  # of equal names the first stays
    return {key.strip(): value.strip() for key, _, value in pairs}
