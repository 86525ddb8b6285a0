"""The golden cases: inputs with the results that a bundle gave for them where it was made.

`golden.json` beside this file holds the inputs by task, as fields of the task's item: plain ones and the edges
of Unicode.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqserve.config import from_mapping
from seqserve.errors import ExportError
from seqserve.runtime.openers import Predictor
from seqserve.tasks import TASKS, Task

_FILE = Path(__file__).with_suffix(".json")


def golden_inputs(task: Task) -> list[dict[str, Any]]:
    """Return the inputs of a task's golden cases."""
    inputs: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))[task]
    return inputs


@dataclass(frozen=True)
class GoldenSet:
    """The inputs of a bundle's golden cases.

    Args:
        task: Of the bundle.
        inputs: Fields of the task's item.
        tolerance: How much a number in a result may differ elsewhere.
    """

    task: Task
    inputs: Sequence[dict[str, Any]]
    tolerance: float

    def outputs(self, predictor: Predictor) -> list[dict[str, Any]]:
        """Return the results for the inputs, predicted in one batch.

        Raises:
            ExportError: A number of a result is not finite.
        """
        item = TASKS[self.task].item
        items = [from_mapping(item, values, "golden inputs") for values in self.inputs]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # refused below
            outputs = [asdict(result) for result in predictor.predict(items)]
        for values, output in zip(self.inputs, outputs, strict=True):
            if not _is_finite(output):
                raise ExportError(
                    f"the answer to the golden input {values} has a number that is not finite: the weights are "
                    "damaged or too large; train or save the model again"
                )
        return outputs

    def to_bytes(self, outputs: Iterable[Mapping[str, Any]]) -> bytes:
        """Return golden.json of a bundle: the inputs with their results."""
        cases = [
            {"input": given, "output": output}
            for given, output in zip(self.inputs, outputs, strict=True)
        ]
        golden = {"tolerance": self.tolerance, "cases": cases}
        return json.dumps(golden, ensure_ascii=False, indent=1).encode()


def _is_finite(value: Any) -> bool:
    """Return whether all numbers of a JSON value are finite; tuples count as lists."""
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
