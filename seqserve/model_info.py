"""What a served model reports about itself: the only definition, for the server, the client and the CLI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seqserve.choices import ModelState, ScoreKind
from seqserve.tasks import TASKS, Task


def model_id(name: str, version: str) -> str:
    """Return what identifies a model on a server."""
    return f"{name}@{version}"


@dataclass(frozen=True)
class ModelInfo:
    """One bundle of a server, as `GET /v1/models` shows it.

    Args:
        name: Of the bundle.
        task: What it does.
        languages: BCP 47 codes; for translation (source, target).
        labels: What it can answer; empty for translation.
        version: Of the model.
        sha256: Digest over all files of the bundle.
        limits: Largest inputs, for example {"max_tokens": 256}.
        precision: Of the weights, fp32 or int8.
        metrics: Quality as measured on the test sets, for example {"f1_test": 0.91}.
        thresholds: Chosen on held-out sets, for example {"min_score": 0.25}.
        score_kind: What a score is: `posterior`, the exact probability of the span under the model; `softmax`
            and `sigmoid`, the probability of the label; `mean_log_probability`, per target token.
        has_alternatives: Whether it answers the option `alternatives`, which taggers that were exported long
            ago do not. None: unknown, because it was not loaded yet.
        language_pairs: The (source, target) pairs of a translator; empty for the other tasks.
        id: `NAME@VERSION`, which identifies the model on its server.
        state: `ready` models answer. A model is `failed` if its bundle could not be loaded, and `unloading`
            while it answers the requests that it had accepted. One that is `unloaded` is loaded by the first
            request for it.
        reason: Why the model is failed, or why a newer bundle of it could not be loaded.
        is_default: Whether it answers requests that name no model, and for translation no languages.
        memory_bytes: An estimate of the memory that it takes: by how much the resident memory of its process
            grew while it was loaded and verified. None while it is not in memory.
    """

    name: str
    task: Task
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    version: str
    sha256: str
    limits: Mapping[str, Any]
    precision: str
    metrics: Mapping[str, Any]
    thresholds: Mapping[str, float] = field(default_factory=dict)
    score_kind: ScoreKind | None = None
    language_pairs: tuple[tuple[str, ...], ...] = ()
    has_alternatives: bool | None = None
    id: str = ""
    state: ModelState = "ready"
    reason: str | None = None
    is_default: bool = False
    memory_bytes: int | None = None

    @property
    def is_available(self) -> bool:
        """Whether requests for it are answered, if need be after it is loaded."""
        return self.state in ("ready", "unloaded")

    def __post_init__(self) -> None:
        """Derive what was not given."""
        object.__setattr__(self, "id", self.id or model_id(self.name, self.version))
        spec = TASKS.get(self.task)  # a newer server may have other tasks
        if spec is not None and spec.is_pair and not self.language_pairs:
            object.__setattr__(self, "language_pairs", (self.languages,))


@dataclass(frozen=True)
class Changes:
    """What a command changed.

    Args:
        loaded: Ids of the models that were loaded and now answer.
        unloading: Ids of the models that are released when the requests that they had accepted are answered.
        failed: Why bundles could not be loaded, by id.
        fault: Why the command was refused as a whole; None if it was not.
    """

    loaded: tuple[str, ...] = ()
    unloading: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done."""
        return not (self.loaded or self.unloading or self.failed or self.fault)
