from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqserve.arrays import IntArray
from seqserve.errors import DataError
from seqserve.training.checkpoint import load_weights
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
        del line["items_per_second"]
    assert logs[0] == logs[1]


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


def test_interrupted_save_is_noticed(tmp_path: Path) -> None:
    train(Line(), CONFIG, tmp_path)
    record = tmp_path / "last.json"
    record.write_text(record.read_text().replace('"step": 20', '"step": 15'))
    with pytest.raises(DataError, match=r"is at step 20, .* at 15"):
        train(Line(), CONFIG, tmp_path)


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
