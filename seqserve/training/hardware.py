"""What a run computes on, in words for its log."""

from __future__ import annotations

import platform
from pathlib import Path

import torch


def hardware_name(device: torch.device) -> str:
    """Name the GPU, or the processor and how many threads compute on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_processor(Path('/proc/cpuinfo'))}, {torch.get_num_threads()} threads"


def _processor(cpuinfo: Path) -> str:
    """Give the model name; what Python knows of it is only the architecture on most systems."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
