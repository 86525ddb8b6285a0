"""What a run took, from its log and the machine that it ran on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from seqserve.training import hardware
from seqserve.training.effort import Effort, read_effort
from seqserve.training.hardware import hardware_name

LOGS: dict[str, tuple[list[dict[str, Any]], Effort]] = {
    "one machine": (
        [{"step": 5, "seconds": 1.5, "hardware": "A"}, {"step": 10, "seconds": 2, "hardware": "A"}],
        Effort(10, 3.5, ("A",)),
    ),
    "resumed on another": (
        [{"step": 5, "seconds": 1, "hardware": "B"}, {"step": 10, "seconds": 2, "hardware": "A"}],
        Effort(10, 3, ("B", "A")),
    ),
    "of a version that did not say": ([{"step": 5}], Effort(5)),
    "begun by such a version": (
        [{"step": 5}, {"step": 10, "seconds": 2, "hardware": "A"}],
        Effort(10, None, ("A",)),
    ),
    "empty": ([], Effort(0)),
}


@pytest.mark.parametrize(("lines", "effort"), LOGS.values(), ids=LOGS)
def test_effort_is_summed_up(tmp_path: Path, lines: list[dict[str, Any]], effort: Effort) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_effort(log) == effort


def test_no_log_no_effort(tmp_path: Path) -> None:
    assert read_effort(tmp_path / "log.jsonl") is None


def test_processor_is_named_with_its_threads() -> None:
    name, _, threads = hardware_name(torch.device("cpu")).rpartition(", ")
    assert name and threads == f"{torch.get_num_threads()} threads"


def test_graphics_card_is_named_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card {device.index}")
    assert hardware_name(torch.device("cuda:1")) == "card 1"


def test_processor_without_a_model_name_is_named_by_its_architecture(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: Fast One @ 3 GHz\nmodel name\t: Second\n")
    assert hardware._processor(cpuinfo) == "Fast One @ 3 GHz"
    cpuinfo.write_text("processor : 0\n")
    assert hardware._processor(cpuinfo) == hardware._processor(tmp_path / "none") != ""
