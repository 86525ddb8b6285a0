"""What a run took: steps, time and hardware, read from its log; knows no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Effort:
    """What a run took.

    Args:
        steps: Optimiser steps.
        seconds: Of training and evaluation on dev, reading of data aside; None where the log does not
            say.
        hardware: What it ran on; several where the run was resumed elsewhere.
    """

    steps: int
    seconds: float | None = None
    hardware: tuple[str, ...] = ()


def read_effort(log: Path) -> Effort | None:
    """Sum up `log.jsonl` of a run; None if there is none."""
    if not log.is_file():
        return None
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    seconds = [line.get("seconds") for line in lines]
    is_known = bool(seconds) and None not in seconds
    return Effort(
        lines[-1]["step"] if lines else 0,
        round(sum(seconds), 1) if is_known else None,
        _distinct(line["hardware"] for line in lines if "hardware" in line),
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
