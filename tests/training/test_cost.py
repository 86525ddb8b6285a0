"""What a run took, from its log and the machine that it ran on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from seqserve.errors import ConfigError
from seqserve.training import hardware
from seqserve.training.cost import Stage, TrainingCost, read_log, read_training_cost
from seqserve.training.curves import plot_curves
from seqserve.training.hardware import hardware_name

LOGS: dict[str, tuple[list[dict[str, Any]], Stage]] = {
    "one machine": (
        [{"step": 5, "seconds": 1.5, "hardware": "A"}, {"step": 10, "seconds": 2, "hardware": "A"}],
        Stage("tiny", 10, 3.5, ("A",)),
    ),
    "resumed on another": (
        [{"step": 5, "seconds": 1, "hardware": "B"}, {"step": 10, "seconds": 2, "hardware": "A"}],
        Stage("tiny", 10, 3, ("B", "A")),
    ),
    "of a version that did not say": ([{"step": 5}], Stage("tiny", 5)),
    "begun by such a version": (
        [{"step": 5}, {"step": 10, "seconds": 2, "hardware": "A"}],
        Stage("tiny", 10, None, ("A",)),
    ),
    "empty": ([], Stage("tiny")),
}


def write_run(folder: Path, text: dict[str, Any], *lines: dict[str, Any]) -> Path:
    """Write what a run with this `[text]` leaves behind of its recipe and its log."""
    write_log(folder, *lines)
    (folder / "recipe.json").write_text(json.dumps({"text": text}))
    return folder


def write_log(folder: Path, *lines: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return log


@pytest.mark.parametrize(("lines", "stage"), LOGS.values(), ids=LOGS)
def test_log_is_summed_up(tmp_path: Path, lines: list[dict[str, Any]], stage: Stage) -> None:
    assert read_training_cost(write_run(tmp_path / "tiny", {}, *lines)) == TrainingCost((stage,))


def test_no_run_nothing_is_known(tmp_path: Path) -> None:
    assert read_training_cost(tmp_path / "tiny") == TrainingCost((Stage("tiny"),))


def test_run_without_its_recipe_is_refused(tmp_path: Path) -> None:
    write_log(tmp_path / "tiny", {"step": 5})
    with pytest.raises(ConfigError, match=r"recipe\.json cannot be read"):
        read_training_cost(tmp_path / "tiny")


def test_stages_before_the_run_count_as_well(tmp_path: Path) -> None:
    write_run(tmp_path / "first", {}, {"step": 1, "seconds": 1, "hardware": "A"})
    second = write_run(tmp_path / "second", {"start": "first", "pretraining": {}}, {"step": 2})
    write_log(second / "language_model", {"step": 9, "seconds": 4, "hardware": "B"})
    third = write_run(tmp_path / "third", {"start": "second"}, {"step": 3, "seconds": 2})
    assert read_training_cost(third).stages == (
        Stage("first", 1, 1, ("A",)),
        Stage("second/language_model", 9, 4, ("B",)),
        Stage("second", 2),
        Stage("third", 3, 2),
    )


def test_stages_that_left_no_log_are_named_all_the_same(tmp_path: Path) -> None:
    run = write_run(tmp_path / "tiny", {"start": "gone", "pretraining": {"loop": {}}}, {"step": 3})
    assert read_training_cost(run).stages == (
        *(Stage("gone"), Stage("tiny/language_model"), Stage("tiny", 3)),
    )


def test_log_that_a_kill_cut_is_read_up_to_there(tmp_path: Path) -> None:
    lines = [{"step": s, "loss": 1.5, "learning_rate": 1, "seconds": 2} for s in (5, 10)]
    run = write_run(tmp_path / "tiny", {}, *lines)
    log = run / "log.jsonl"
    with log.open("a") as file:
        file.write('{"step": 15, "lo')
    assert read_log(log) == lines
    assert read_training_cost(run).stages == (Stage("tiny", 10, 4),)
    plot_curves(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_no_log_no_lines(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.jsonl") == []


def test_reading_logs_needs_no_torch() -> None:
    code = "import seqserve.training.cost, sys; sys.exit(int('torch' in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_processor_is_named_with_its_threads() -> None:
    name, _, threads = hardware_name(torch.device("cpu")).rpartition(", ")
    assert name and threads == f"{torch.get_num_threads()} threads"


def test_graphics_card_is_named_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"card {device.index}")
    assert hardware_name(torch.device("cuda:1")) == "card 1"


def test_processor_without_a_model_name_is_named_by_its_architecture(tmp_path: Path) -> None:
    def named(path: Path) -> str:
        return hardware.processor(hardware.cpu_fields(path))

    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: Fast One @ 3 GHz\nmodel name\t: Second\n")
    assert named(cpuinfo) == "Fast One @ 3 GHz"
    cpuinfo.write_text("processor : 0\n")
    assert named(cpuinfo) == named(tmp_path / "none") != ""
