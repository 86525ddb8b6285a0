"""Whether a run computes in bfloat16: the setting, the earlier steps of the run, then the hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch

from seqserve.config import from_mapping
from seqserve.errors import ConfigError
from seqserve.training.hardware import Autocast, choose_autocast
from seqserve.training.recipe import LoopConfig

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
NEITHER = "auto: the CPU has neither amx_bf16 nor avx512_bf16"

CPUS: dict[str, tuple[Literal["auto"] | bool, bool | None, str, Autocast]] = {
    "no": (False, None, "avx512_bf16", Autocast(False, "bf16 = false")),
    "yes": (True, None, "avx2", Autocast(True, "bf16 = true")),
    "yes on a resumed run": (True, False, "avx2", Autocast(True, "bf16 = true")),
    "AVX-512": (
        *("auto", None, "avx2 avx512_bf16"),
        Autocast(True, "auto: the CPU has avx512_bf16"),
    ),
    "AMX": ("auto", None, "amx_bf16 avx512_bf16", Autocast(True, "auto: the CPU has amx_bf16")),
    "neither": ("auto", None, "avx2 avx512f avx512_vnni", Autocast(False, NEITHER)),
    "a part of a name": ("auto", None, "avx512_bf160", Autocast(False, NEITHER)),
    "unknown": ("auto", None, "", Autocast(False, NEITHER)),
    "begun with it": (
        *("auto", True, "avx2"),
        Autocast(True, "auto: as in the earlier steps of this run"),
    ),
    "begun without": (
        *("auto", False, "avx512_bf16"),
        Autocast(False, "auto: as in the earlier steps of this run"),
    ),
}


@pytest.mark.parametrize(("setting", "recorded", "flags", "expected"), CPUS.values(), ids=CPUS)
def test_choice_on_a_cpu(
    tmp_path: Path,
    setting: Literal["auto"] | bool,
    recorded: bool | None,
    flags: str,
    expected: Autocast,
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    if flags:
        cpuinfo.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n")
    assert choose_autocast(setting, CPU, recorded, cpuinfo) == expected


@pytest.mark.parametrize(
    ("is_native", "reason"),
    [(True, "the GPU has native bfloat16"), (False, "the GPU has no native bfloat16")],
)
def test_choice_on_a_gpu(monkeypatch: pytest.MonkeyPatch, is_native: bool, reason: str) -> None:
    def supported(including_emulation: bool) -> bool:
        return is_native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_autocast("auto", CUDA) == Autocast(is_native, f"auto: {reason}")


def test_other_devices_compute_in_float32() -> None:
    assert choose_autocast("auto", torch.device("meta")) == Autocast(
        False, "auto: unknown for meta"
    )


@pytest.mark.parametrize("value", ["auto", True, False])
def test_values_of_a_recipe(value: Literal["auto"] | bool) -> None:
    config = from_mapping(LoopConfig, {"max_steps": 1, "batch_tokens": 1, "bf16": value}, "x")
    assert config.bf16 is value


@pytest.mark.parametrize("value", ["yes", 1, 0, "true"])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=f"expected one of auto, True, False, got {value!r}"):
        from_mapping(LoopConfig, {"max_steps": 1, "batch_tokens": 1, "bf16": value}, "x")
