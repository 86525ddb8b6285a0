"""The one training loop: AdamW, warm-up and decay, clipping, dev evaluation, early stop, resume.

It knows batches only as index arrays and the model only through `TrainingTask`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from seqserve.arrays import IntArray
from seqserve.errors import DataError
from seqserve.progress import LinePerMinute
from seqserve.training.checkpoint import BEST, Progress, load_progress, save_progress, save_weights
from seqserve.training.cost import read_log
from seqserve.training.hardware import choose_autocast, hardware_name
from seqserve.training.recipe import LoopConfig


class TrainingTask(Protocol):
    """What the loop must know of a task."""

    @property
    def model(self) -> nn.Module:
        """What is trained."""

    @property
    def metric(self) -> str:
        """Which value of `evaluate` chooses the best weights; higher is better."""

    def epoch(self, rng: np.random.Generator) -> Sequence[IntArray]:
        """Return the batches of one pass over the data, in random order, as indices of examples."""

    def loss(self, batch: IntArray) -> tuple[Tensor, int]:
        """Return the mean loss (scalar) of a batch and how many items it averages."""

    def evaluate(self) -> dict[str, float]:
        """Measure on dev."""


def learning_rate(step: int, config: LoopConfig) -> float:
    """Return the rate of a step (counted from 0): linear rise, plateau, linear fall to zero."""
    rise = (step + 1) / config.warmup_steps if config.warmup_steps else 1.0
    fall = (config.max_steps - step) / config.decay_steps if config.decay_steps else 1.0
    return config.learning_rate * max(0.0, min(1.0, rise, fall))


def train(task: TrainingTask, config: LoopConfig, directory: Path) -> Progress:
    """Train until `max_steps` or until dev stops improving; resumes what is in the directory.

    Args:
        task: Model, data and measure.
        config: How to train.
        directory: Gets `best.safetensors`, `last.safetensors` and `log.jsonl`.

    Returns:
        Where the run ended.
    """
    directory.mkdir(parents=True, exist_ok=True)
    optimizer = _optimizer(task.model, config)
    progress = load_progress(directory, task.model, optimizer)
    device = next(task.model.parameters()).device
    log = _Log(directory / "log.jsonl", progress.step, hardware_name(device))
    autocast = choose_autocast(config.bf16, device, log.recorded_bf16)
    config = replace(config, bf16=autocast.is_bf16)
    log.environment |= {"bf16": autocast.is_bf16, "bf16_reason": autocast.reason}
    columns = (
        *Bar.get_default_columns()[:3],
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    is_seen = sys.stderr.isatty()
    with Bar(*columns, console=Console(stderr=True), disable=not is_seen) as bar:
        row = bar.add_task("train", total=config.max_steps, completed=progress.step, note="")
        log_line, note = LinePerMinute(f"train {directory.name}"), ""
        for batch in _batches(task, config, progress):
            loss, n_items, norm = _step(task, batch, optimizer, config, progress.step)
            progress.step += 1
            progress.batch += 1
            log.add(loss, n_items, norm)
            if progress.step % config.evaluate_every == 0 or progress.step == config.max_steps:
                measures = _evaluate(task)
                log.write(progress, learning_rate(progress.step - 1, config), measures)
                _judge(task, measures, progress, directory)
                save_progress(directory, task.model, optimizer, progress)
                note = f"{task.metric} {measures[task.metric]:.4f}"
                bar.update(row, note=note)
            bar.update(row, completed=progress.step)
            if not is_seen:
                log_line.tell(f"step {progress.step:,} of {config.max_steps:,} {note}".rstrip())
            if progress.stale >= config.patience:
                break
    return progress


def _optimizer(model: nn.Module, config: LoopConfig) -> torch.optim.AdamW:
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, config.beta2), eps=1e-9)


def _batches(task: TrainingTask, config: LoopConfig, progress: Progress) -> Iterator[IntArray]:
    """Return batches from where the progress stands until `max_steps`; the caller counts them."""
    while progress.step < config.max_steps:
        batches = task.epoch(np.random.default_rng((config.seed, progress.epoch)))
        if not batches:
            raise DataError("there is nothing to train on: the data sets are empty or filtered out")
        for batch in batches[progress.batch :]:
            if progress.step >= config.max_steps:
                return
            yield batch
        progress.epoch += 1
        progress.batch = 0


def _step(
    task: TrainingTask,
    batch: IntArray,
    optimizer: torch.optim.Optimizer,
    config: LoopConfig,
    step: int,
) -> tuple[float, int, float]:
    """Take one optimiser step; return the mean loss, its number of items and the gradient norm."""
    torch.manual_seed(config.seed * 1_000_003 + step)  # dropout of a resumed run is that of one run
    task.model.train()
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, config)
    device = next(task.model.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.bf16 is True):
        loss, n_items = task.loss(batch)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(task.model.parameters(), config.clip_norm)
    if math.isfinite(float(norm)):
        optimizer.step()
    return float(loss.detach()), n_items, float(norm)


def _evaluate(task: TrainingTask) -> dict[str, float]:
    task.model.eval()
    with torch.inference_mode():
        return task.evaluate()


def _judge(
    task: TrainingTask, measures: dict[str, float], progress: Progress, directory: Path
) -> None:
    """Keep the weights if they are the best so far."""
    if not math.isfinite(measures[task.metric]):
        raise DataError(
            f"dev {task.metric} is {measures[task.metric]} at step {progress.step}: the run diverged; "
            "try a lower learning_rate"
        )
    if measures[task.metric] > progress.best:
        progress.best, progress.best_step, progress.stale = (
            measures[task.metric],
            progress.step,
            0,
        )
        save_weights(task.model, directory / BEST)
    else:
        progress.stale += 1


class _Log:
    """One JSON line per evaluation: step, loss, rate, speed, time since the last line, dev measures."""

    def __init__(self, path: Path, step: int, hardware: str) -> None:
        kept = [line for line in read_log(path) if line["step"] <= step]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._path = path
        self.environment: dict[str, Any] = {"hardware": hardware}
        self.recorded_bf16: bool | None = kept[-1].get("bf16") if kept else None
        self._losses: list[tuple[float, int, float]] = []
        self._since = time.perf_counter()

    def add(self, loss: float, n_items: int, norm: float) -> None:
        self._losses.append((loss, n_items, norm))

    def write(self, progress: Progress, rate: float, measures: dict[str, float]) -> None:
        losses, items, norms = (np.array(values) for values in zip(*self._losses, strict=True))
        seconds = time.perf_counter() - self._since
        line: dict[str, Any] = {
            "step": progress.step,
            "epoch": progress.epoch,
            "loss": round(float(np.average(losses, weights=items)), 5),
            "gradient_norm": round(float(norms.mean()), 4),
            "learning_rate": rate,
            "items_per_second": round(float(items.sum()) / seconds, 1),
            "seconds": round(seconds, 1),
            **self.environment,
            **{f"dev_{name}": round(value, 5) for name, value in measures.items()},
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._losses.clear()
        self._since = time.perf_counter()
