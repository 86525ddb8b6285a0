"""The hardware of a training run: its name for the log, and whether it computes in bfloat16."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

CPUINFO = Path("/proc/cpuinfo")
_BF16_FLAGS = ("amx_bf16", "avx512_bf16")


@dataclass(frozen=True)
class Autocast:
    """Whether a run computes in bfloat16, and why.

    Args:
        is_bf16: Whether autocast to bfloat16 is on.
        reason: The setting, and for `auto` what decided, for the log of the run.
    """

    is_bf16: bool
    reason: str


def choose_autocast(
    setting: Literal["auto"] | bool,
    device: torch.device,
    recorded: bool | None = None,
    cpuinfo: Path = CPUINFO,
) -> Autocast:
    """Decide whether to compute in bfloat16.

    Args:
        setting: `bf16` of the recipe. `auto` needs native bfloat16: an emulating CPU takes 2 to 4 times as
            long as in float32.
        device: Where the run computes.
        recorded: What the log of a resumed run says of its earlier steps. It decides for `auto`, so that a
            run keeps its precision on other hardware.
        cpuinfo: Lists the instruction sets of the CPU.
    """
    if setting != "auto":
        return Autocast(setting, f"bf16 = {str(setting).lower()}")
    if recorded is not None:
        return Autocast(recorded, "auto: as in the earlier steps of this run")
    is_native, what = _native_bf16(device, cpuinfo)
    return Autocast(is_native, f"auto: {what}")


def _native_bf16(device: torch.device, cpuinfo: Path) -> tuple[bool, str]:
    """Return whether a device computes in bfloat16 natively, and the fact that shows it."""
    import torch

    if device.type == "cuda":
        is_native = torch.cuda.is_bf16_supported(including_emulation=False)
        return is_native, f"the GPU has {'' if is_native else 'no '}native bfloat16"
    if device.type != "cpu":
        return False, f"unknown for {device.type}"
    flags = cpu_fields(cpuinfo).get("flags", "").split()
    for flag in _BF16_FLAGS:
        if flag in flags:
            return True, f"the CPU has {flag}"
    return False, f"the CPU has neither {' nor '.join(_BF16_FLAGS)}"


def hardware_name(device: torch.device) -> str:
    """Name the GPU, or the processor and its number of threads."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{processor(cpu_fields(CPUINFO))}, {torch.get_num_threads()} threads"


def processor(fields: dict[str, str]) -> str:
    """Return the model name of the processor; where it has none, its architecture."""
    return fields.get("model name") or platform.processor() or platform.machine()


def cpu_fields(cpuinfo: Path) -> dict[str, str]:
    """Read the fields of the first processor; none where there is no such file."""
    if not cpuinfo.is_file():
        return {}
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    # Reversed: of the processors' equal names, the first one's value stays.
    pairs = (line.partition(":") for line in reversed(lines))
    return {key.strip(): value.strip() for key, _, value in pairs}
