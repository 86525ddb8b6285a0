"""Open one model: verify its bundle, load its graphs, and compare its golden cases."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from seqserve.bundle import Bundle, describe_bundle
from seqserve.errors import BundleError, ConfigError
from seqserve.model_info import ModelInfo
from seqserve.tasks import Task
from service.engines.memory import resident_bytes
from service.engines.repository import FoundBundle, describe
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger

if TYPE_CHECKING:
    from seqserve.runtime.engine import GoldenCase

_SEE_LOG = "it could not be opened; the log has the details"


class Engine(Protocol):
    """What `seqserve.runtime.open_engine` returns, and what a custom factory must return.

    It may have the attribute `has_alternatives`, which says whether items may request alternatives.
    """

    @property
    def bundle(self) -> Bundle:
        """The model directory behind it."""
        ...

    def predict(self, items: Sequence[Any], /) -> Sequence[Any]:
        """Return one result per item, in order: items and results of seqserve/records/.

        It is called from several threads at once, as many as the settings allow calls of the task.
        """
        ...


@dataclass(frozen=True)
class LoadedModel:
    """A model that answers.

    Args:
        engine: Computes.
        golden: Its golden cases, which were met.
        info: What the API reports about it.
        found: Its bundle as it was found.
    """

    engine: Engine
    golden: Sequence[GoldenCase]
    info: ModelInfo
    found: FoundBundle


@dataclass(frozen=True)
class OpenFailure:
    """Why a model could not be opened.

    Args:
        fault: In full, for the operator.
        reason: Public: without the paths of this machine, and without messages of other programs.
    """

    fault: str
    reason: str


def load_function(reference: str) -> Callable[..., Any]:
    """Import the function `module:function`.

    Raises:
        ConfigError: There is no such module or function.
    """
    module, _, name = reference.partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{reference} cannot be imported") from error
    return function


def open_model(task: Task, found: FoundBundle, factory: str) -> LoadedModel | OpenFailure:
    """Open a model and compare its golden cases, which also warms it up.

    Args:
        task: Of the model.
        found: Its bundle.
        factory: `module:function` that opens the engine of a directory.
    """
    started = time.perf_counter()
    metrics.MODEL_LOAD_FAILURES.labels(task, found.name, found.version)  # shows 0
    try:
        model = _open(found, factory)
    except Exception as error:
        return _note_failure(error, task, found)
    seconds = time.perf_counter() - started
    metrics.MODEL_LOAD_SECONDS.labels(task, found.name, found.version).set(seconds)
    get_logger().info(
        "bundle ready",
        task=task,
        model=found.id,
        path=str(found.path),
        seconds=round(seconds, 3),
    )
    return model


def describe_unloaded(task: Task, found: FoundBundle) -> ModelInfo | OpenFailure:
    """Return what the API reports about a bundle that is not loaded; only its manifest is checked."""
    try:
        return replace(describe(describe_bundle(found.path)), state="unloaded")
    except Exception as error:
        return _note_failure(error, task, found)


def _note_failure(error: Exception, task: Task, found: FoundBundle) -> OpenFailure:
    """Count and log that a model could not be opened, and return why."""
    failure = _failure_of(error, found)
    metrics.MODEL_LOAD_FAILURES.labels(task, found.name, found.version).inc()
    get_logger().error(
        "model failed", task=task, model=found.id, reason=failure.fault, **failure_fields(error)
    )
    return failure


def _open(found: FoundBundle, factory: str) -> LoadedModel:
    from seqserve.runtime.engine import check_golden  # imports onnxruntime

    open_engine = load_function(factory)
    before = resident_bytes()  # after the imports
    engine: Engine = open_engine(found.path)
    golden = check_golden(cast(Any, engine))
    growth = max(0, resident_bytes() - before)
    info = replace(
        describe(engine.bundle),
        memory_bytes=growth,
        has_alternatives=getattr(engine, "has_alternatives", None),
    )
    return LoadedModel(engine, golden, info, found)


def _failure_of(error: Exception, found: FoundBundle) -> OpenFailure:
    if not isinstance(error, BundleError | ConfigError):
        return OpenFailure(f"{found.path}: {type(error).__name__}: {error}", _SEE_LOG)
    fault = str(error)
    reason = fault.replace(str(found.path.resolve()), found.where)
    reason = reason.replace(str(found.path), found.where)
    lines = [line.strip().removeprefix("- ") for line in reason.splitlines()]
    return OpenFailure(fault, "; ".join(lines).replace(":; ", ": "))
