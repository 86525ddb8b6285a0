"""The routing of requests that name no model: weights for a canary release, and a shadow model.

`SEQSERVE_ROUTING` configures it per task. The choice among weighted models is sticky: a key gets the same
model in every process, as long as the weights stay.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task

_EXAMPLE = '{"ner": {"weights": {"a": 95, "b@2": 5}, "shadow": "c"}}'
_KEYS = ("weights", "shadow")
_BITS = 52  # a double holds a fraction of so many bits, and half of the last one


@dataclass(frozen=True)
class TaskRouting:
    """The routing of one task.

    Args:
        weights: By name or id of a model, its relative weight above 0; empty: the default model answers.
        shadow: The name or id of the model that gets the texts as well, after they were answered.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    shadow: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of all models that it mentions, each once."""
        shadow = () if self.shadow is None else (self.shadow,)
        return list(dict.fromkeys([*self.weights, *shadow]))


def parse_routing(text: str) -> dict[Task, TaskRouting]:
    """Read the value of the setting: a JSON object with an object per task.

    Raises:
        ValueError: It is malformed; the message says what is allowed.
    """
    try:
        given = json.loads(text, object_pairs_hook=_without_repeated)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error}); expected an object such as {_EXAMPLE}") from None
    except RecursionError:
        raise ValueError(f"nested too deeply; expected an object such as {_EXAMPLE}") from None
    if not isinstance(given, dict):
        raise ValueError(f"expected a JSON object such as {_EXAMPLE}")
    for task in given:
        if task not in TASKS:
            raise ValueError(f"{cut(task)!r} is not a task; tasks: {', '.join(TASKS)}")
    return {cast(Task, task): _parse_task(task, one) for task, one in given.items()}


def _without_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"name each key once; repeated: {', '.join(map(cut, repeated))}")
    return found


def _parse_task(task: str, given: Any) -> TaskRouting:
    if not isinstance(given, dict) or not given or not set(given) <= set(_KEYS):
        names = ", ".join(repr(cut(name)) for name in given) if isinstance(given, dict) else None
        keys = "" if names is None else f"; got {names or 'none'}"
        raise ValueError(f"{task}: expected an object with {' or '.join(_KEYS)}, or both{keys}")
    shadow = given.get("shadow")
    if "shadow" in given and not _is_name(shadow):
        raise ValueError(
            f"{task}.shadow: expected NAME or NAME@VERSION of a model, not {cut(repr(shadow))}"
        )
    weights = given.get("weights", {})
    if "weights" in given and not (isinstance(weights, dict) and weights):
        raise ValueError(f'{task}.weights: expected an object such as {{"a": 95, "b@2": 5}}')
    for name, weight in weights.items():
        if not _is_name(name) or not _is_weight(weight):
            raise ValueError(
                f"{task}.weights: {cut(name)!r} is {cut(repr(weight))}; expected NAME or NAME@VERSION of "
                "a model, and a number above 0"
            )
    return TaskRouting(weights, shadow)


def _is_name(given: Any) -> bool:
    return isinstance(given, str) and bool(given.strip())


def _is_weight(given: Any) -> bool:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return is_number and 0 < given <= sys.float_info.max


def find_available(name: str, models: Iterable[ModelInfo]) -> ModelInfo | None:
    """Return the first model with a name or id that is ready, or can be loaded; None if there is none.

    Args:
        name: Its name or id.
        models: Of one task, in order of preference.
    """
    found = (one for one in models if one.is_available and name in (one.name, one.id))
    return next(found, None)


def choose_by_weight(
    weights: Mapping[str, float], key: str, models: Iterable[ModelInfo]
) -> ModelInfo | None:
    """Return the model that a key gets; None if no weighted model is available.

    This is weighted rendezvous hashing: if a weight changes, or a model comes or goes, only those keys get
    another model that have to.

    Args:
        weights: By name or id of a model.
        key: Of the request; its hash decides.
        models: Those that may answer, in order of preference.

    Source:
        Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005: the logarithmic
        method.
    """
    models = list(models)
    found = {name: model for name in weights if (model := find_available(name, models))}
    if not found:
        return None
    return found[min(found, key=lambda name: -math.log(_fraction(key, name)) / weights[name])]


def _fraction(key: str, name: str) -> float:
    """Return a number above 0 and below 1 that depends on both, uniformly distributed."""
    digest = hashlib.blake2b(f"{key}\0{name}".encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> (64 - _BITS)) + 0.5) / (1 << _BITS)
