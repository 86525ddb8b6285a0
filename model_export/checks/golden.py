"""The golden cases: inputs that every bundle must answer as torch does, plain ones and the edges of Unicode.

`golden.json` beside this file holds the inputs by task, as fields of the task's item.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seqserve.config import from_mapping
from seqserve.runtime.openers import Predictor
from seqserve.tasks import TASKS, Task

_FILE = Path(__file__).with_suffix(".json")


def golden_inputs(task: Task) -> list[dict[str, Any]]:
    """Return the inputs of a task's golden cases."""
    inputs: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))[task]
    return inputs


def golden_outputs(task: Task, predictor: Predictor) -> list[dict[str, Any]]:
    """Return the results for the golden inputs, predicted in one batch."""
    item = TASKS[task].item
    items = [from_mapping(item, values, str(_FILE)) for values in golden_inputs(task)]
    return [asdict(result) for result in predictor.predict(items)]


def golden_bytes(task: Task, outputs: Iterable[Mapping[str, Any]], tolerance: float) -> bytes:
    """Return golden.json of a bundle: the golden inputs with their results."""
    cases = [
        {"input": given, "output": output}
        for given, output in zip(golden_inputs(task), outputs, strict=True)
    ]
    golden = {"tolerance": tolerance, "cases": cases}
    return json.dumps(golden, ensure_ascii=False, indent=1).encode()
