from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqserve.arrays import IntArray
from seqserve.errors import ConfigError, DataError
from seqserve.training import hardware, loop
from seqserve.training.checkpoint import load_weights
from seqserve.training.cost import read_log
from seqserve.training.loop import learning_rate, train
from seqserve.training.recipe import LoopConfig

CONFIG = LoopConfig(
    max_steps=20, batch_tokens=8, learning_rate=0.05, evaluate_every=5, weight_decay=0
)


class Line:
    """Learns y = 2x + 1; dropout makes every step random."""

    metric = "score"

    def __init__(self, scores: Sequence[float] | None = None) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.x = torch.linspace(-1, 1, 40)[:, None]
        self.seen: list[list[int]] = []
        self.scores = list(scores or [])

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        return np.split(rng.permutation(40), 5)

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        self.seen.append(batch.tolist())
        x = self.x[torch.from_numpy(batch)]
        return ((self.model(x) - (2 * x + 1)) ** 2).mean(), len(batch)

    def evaluate(self) -> dict[str, float]:
        assert not self.model.training
        with torch.no_grad():
            score = -float(((self.model(self.x) - (2 * self.x + 1)) ** 2).mean())
        return {"score": self.scores.pop(0) if self.scores else score}


def weights(task: Line) -> list[Tensor]:
    return [value.clone() for value in task.model.state_dict().values()]


def test_loss_falls_and_best_weights_are_kept(tmp_path: Path) -> None:
    task = Line()
    progress = train(task, replace(CONFIG, max_steps=200), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(5, 201, 5))
    assert lines[-1]["loss"] < lines[0]["loss"] / 2
    assert progress.best == pytest.approx(max(line["dev_score"] for line in lines), abs=1e-5)
    load_weights(task.model, tmp_path / "best.safetensors")
    task.model.eval()
    assert task.evaluate()["score"] == pytest.approx(progress.best, abs=1e-6)


def test_resumed_run_equals_one_run_bit_for_bit(tmp_path: Path) -> None:
    whole, first, second = Line(), Line(), Line()
    train(whole, CONFIG, tmp_path / "whole")
    train(first, replace(CONFIG, max_steps=10), tmp_path / "parts")
    train(second, CONFIG, tmp_path / "parts")
    assert first.seen + second.seen == whole.seen
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))
    logs = [
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    for line in (*logs[0], *logs[1]):
        del line["items_per_second"], line["seconds"]
    assert logs[0] == logs[1]


def test_log_says_how_long_it_took_and_on_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 1000, 7))  # seconds; asked once at the start and twice per line
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    monkeypatch.setattr(loop, "hardware_name", lambda device: f"a {device.type}")
    train(Line(), replace(CONFIG, max_steps=10), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["seconds"], line["hardware"]) for line in lines] == [(7, "a cpu"), (7, "a cpu")]


def test_seed_decides_everything(tmp_path: Path) -> None:
    runs = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        task = Line()
        train(task, replace(CONFIG, seed=seed), tmp_path / name)
        runs.append((task.seen, weights(task)))
    assert runs[0][0] == runs[1][0] != runs[2][0]
    assert all(torch.equal(a, b) for a, b in zip(runs[0][1], runs[1][1], strict=True))


def test_early_stop_counts_evaluations_without_progress(tmp_path: Path) -> None:
    task = Line(scores=[0.1, 0.5, 0.4, 0.5, 0.3, 0.9])
    progress = train(task, replace(CONFIG, max_steps=100, patience=3), tmp_path)
    assert (progress.step, progress.best, progress.best_step) == (25, 0.5, 10)


def test_every_example_is_seen_once_an_epoch(tmp_path: Path) -> None:
    task = Line()
    train(task, replace(CONFIG, max_steps=10, evaluate_every=10), tmp_path)
    for epoch in (task.seen[:5], task.seen[5:]):
        assert sorted(i for batch in epoch for i in batch) == list(range(40))
    assert task.seen[:5] != task.seen[5:]


def test_resume_in_the_middle_of_an_epoch_goes_on_there(tmp_path: Path) -> None:
    config = replace(CONFIG, max_steps=16, evaluate_every=4)
    whole, first, second = Line(), Line(), Line()
    train(whole, config, tmp_path / "whole")
    train(first, replace(config, max_steps=8), tmp_path / "parts")  # epochs have 5 batches
    train(second, config, tmp_path / "parts")
    assert first.seen + second.seen == whole.seen
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))


@pytest.mark.parametrize("content", [b"", b"\x08" + bytes(40)], ids=["empty", "rubbish"])
def test_damaged_checkpoints_are_named(tmp_path: Path, content: bytes) -> None:
    train(Line(), CONFIG, tmp_path)
    for name in ("last", "best"):
        (tmp_path / f"{name}.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"last\.safetensors does not fit"):
        train(Line(), CONFIG, tmp_path)
    with pytest.raises(DataError, match=r"best\.safetensors is damaged"):
        load_weights(Line().model, tmp_path / "best.safetensors")


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    train(Line(), CONFIG, tmp_path)
    other = nn.Sequential(nn.Linear(1, 9), nn.Dropout(0.2), nn.Linear(9, 1))
    with pytest.raises(DataError, match="of another model"):
        load_weights(other, tmp_path / "best.safetensors")


def test_log_that_was_cut_by_a_kill_is_mended(tmp_path: Path) -> None:
    train(Line(), replace(CONFIG, max_steps=10), tmp_path)
    log = tmp_path / "log.jsonl"
    log.write_text(log.read_text() + '{"step": 1')
    train(Line(), CONFIG, tmp_path)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [5, 10, 15, 20]


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    task = Line()
    task.epoch = lambda rng: []  # type: ignore[method-assign]
    with pytest.raises(DataError, match="nothing to train on"):
        train(task, CONFIG, tmp_path)


def test_dev_metric_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dev score is nan at step 5"):
        train(Line(scores=[float("nan")]), CONFIG, tmp_path)


class Recorder:
    """Notes how a step is made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rates: list[float] = []
        self.norms: list[float] = []
        plain = torch.optim.AdamW.step

        def step(optimizer: torch.optim.AdamW, *args: object, **kwargs: object) -> object:
            self.rates.append(optimizer.param_groups[0]["lr"])
            gradients = [p.grad for g in optimizer.param_groups for p in g["params"]]
            self.norms.append(float(torch.stack([g.norm() for g in gradients]).norm()))
            return plain(optimizer, *args, **kwargs)

        monkeypatch.setattr(torch.optim.AdamW, "step", step)


def test_every_step_has_its_rate_and_a_bounded_gradient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, warmup_steps=6, decay_steps=6, clip_norm=0.01)
    recorder = Recorder(monkeypatch)
    train(Line(), config, tmp_path)
    assert recorder.rates == pytest.approx([learning_rate(step, config) for step in range(20)])
    assert max(recorder.norms) <= 0.01 + 1e-6


def test_weight_decay_spares_vectors(tmp_path: Path) -> None:
    class Still(Line):
        def loss(self, batch: IntArray) -> tuple[Tensor, int]:
            return sum((p * 0).sum() for p in self.model.parameters()), len(batch)  # type: ignore[return-value]

    task = Still()
    before = dict(zip(task.model.state_dict(), weights(task), strict=True))
    train(task, replace(CONFIG, weight_decay=0.5), tmp_path)
    for name, value in task.model.state_dict().items():
        assert torch.equal(value, before[name]) is name.endswith("bias")


@pytest.mark.parametrize("is_on", [True, False])
def test_bf16_is_an_autocast(tmp_path: Path, is_on: bool) -> None:
    seen = set()

    class Noting(Line):
        def loss(self, batch: IntArray) -> tuple[Tensor, int]:
            loss, n_items = super().loss(batch)
            seen.add(self.model(self.x).dtype)
            return loss, n_items

    task = Noting()
    train(task, replace(CONFIG, bf16=is_on), tmp_path)
    assert seen == {torch.bfloat16 if is_on else torch.float32}
    assert all(value.dtype == torch.float32 for value in weights(task))


def test_a_resumed_run_keeps_its_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine would choose otherwise; only an explicit setting changes the run."""
    config = replace(CONFIG, bf16="auto")
    for steps, native, expected in ((20, True, True), (40, False, True)):
        answer = (native, "as the test says")
        monkeypatch.setattr(hardware, "_native_bf16", lambda *_, answer=answer: answer)
        train(Line(), replace(config, max_steps=steps), tmp_path)
        line = read_log(tmp_path / "log.jsonl")[-1]
        assert (line["step"], line["bf16"]) == (steps, expected)
    assert line["bf16_reason"] == "auto: as in the earlier steps of this run"
    train(Line(), replace(config, max_steps=60, bf16=False), tmp_path)
    assert read_log(tmp_path / "log.jsonl")[-1]["bf16"] is False


@pytest.mark.parametrize("name", ["max_steps", "batch_tokens", "evaluate_every", "patience"])
def test_counts_below_one_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is 0"):
        replace(CONFIG, **{name: 0})


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train the model first"):
        load_weights(Line().model, tmp_path / "best.safetensors")


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.1), (4, 0.5), (9, 1.0), (50, 1.0), (90, 0.5), (99, 0.05)]
)
def test_learning_rate_rises_stays_and_falls(step: int, expected: float) -> None:
    config = LoopConfig(100, 1, learning_rate=1.0, warmup_steps=10, decay_steps=20)
    assert learning_rate(step, config) == pytest.approx(expected)


def test_gradients_that_are_not_finite_change_nothing(tmp_path: Path) -> None:
    task = Line()
    before = weights(task)
    task.x = task.x * float("inf")
    task.scores = [1.0] * 4
    train(task, CONFIG, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(task), strict=True))
