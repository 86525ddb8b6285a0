"""A finished bundle as the start of a training run."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors.numpy import load

from seqserve.arrays import FloatArray
from seqserve.bundle import Bundle, load_bundle
from seqserve.config import to_mapping
from seqserve.dequantization import dequantize_all
from seqserve.errors import BundleError, DataError
from seqserve.files import written_whole
from seqserve.tasks import Task
from seqserve.training.cost import START_COST, Stage, TrainingCost, read_cost

_WEIGHTS, _COST = "weights.safetensors", "training.json"


@dataclass(frozen=True)
class BundleStart:
    """A finished bundle to start from.

    Args:
        path: Directory of the bundle, as a path from the working directory.
        version: Its version; training refuses another one, since a newer bundle may have the same path.
    """

    path: str
    version: str


def open_start(start: BundleStart, tasks: Collection[Task], needed: Collection[str] = ()) -> Bundle:
    """Load the bundle that a run starts from.

    Args:
        start: Which one.
        tasks: What the bundle may answer.
        needed: Files that it must have, the weights aside.

    Raises:
        DataError: It is missing, damaged, of another version or task, or was not trained by this project.
    """
    try:
        bundle = load_bundle(Path(start.path))
    except BundleError as error:
        raise DataError(f"[text.start_bundle]: {error}") from error
    manifest = bundle.manifest
    if manifest.version != start.version:
        raise DataError(
            f"[text.start_bundle]: {start.path} is version {manifest.version}, the recipe starts from "
            f"{start.version}: put that version there, or name another path"
        )
    is_exported = manifest.origin is None and {_WEIGHTS, *needed} <= manifest.files.keys()
    if manifest.task not in tasks or not is_exported:
        raise DataError(
            f"[text.start_bundle]: {start.path} is no bundle for {' or '.join(tasks)} that `seqserve export` "
            "made of a hand-built architecture, with its weights in one file: name another one"
        )
    return bundle


def start_tensors(bundle: Bundle) -> dict[str, FloatArray]:
    """Return the weights of a bundle as float32; of int8, what its bytes and scales stand for."""
    return dequantize_all(load(bundle.read(_WEIGHTS)))


def save_start_cost(bundle: Bundle, run: Path) -> None:
    """Keep what the training of a bundle cost in a run, its version in the names of the stages."""
    manifest = bundle.manifest
    cost = TrainingCost((Stage(manifest.name),))
    if _COST in manifest.files:
        cost = read_cost(bundle.file(_COST))
    stages = tuple(replace(one, name=f"{one.name} {manifest.version}") for one in cost.stages)
    with written_whole(run / START_COST) as partial:
        partial.write_text(json.dumps(to_mapping(TrainingCost(stages))), encoding="utf-8")
