"""The engines of one task: open and check them, run batches, and isolate the text that fails.

A host lives in a runner's process, or in the gateway's if the topology is `embedded`. Several threads
may use it at once. It knows neither BentoML nor HTTP nor bytes, and imports onnxruntime only when it is
constructed.
"""

from __future__ import annotations

import importlib
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from seqserve.bundle import Bundle
from seqserve.errors import BundleError, ConfigError, DeadlineExceeded, InputError, SeqserveError
from seqserve.model_info import ModelInfo
from seqserve.tasks import TASKS, Task
from service.engines.messages import InferenceItem, InferenceResult, to_inference_result
from service.engines.repository import check_distinct, describe, explain_missing, find_bundles
from service.queue.batcher import Reply
from service.settings import Settings
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger
from service.telemetry.tracing import load_tracer

if TYPE_CHECKING:
    from seqserve.cancellation import Cancellation
    from seqserve.runtime.engine import GoldenCase

E = TypeVar("E")  # an encoded result

FAILED_SENTENCE = "the model failed its start checks, see the log"
MISSING_SENTENCE = "no bundle of this task was found"
STUCK_S = 10.0  # beyond the latest deadline of a call: an engine that works has ended it by then


class Engine(Protocol):
    """What `seqserve.runtime.open_engine` returns, and what a custom factory must return."""

    @property
    def bundle(self) -> Bundle:
        """The model directory behind it."""
        ...

    def predict(self, items: Sequence[Any], /) -> Sequence[Any]:
        """Return one result per item, in order: items and results of seqserve/records.py.

        It is called from several threads at once, as many as the settings allow calls of the task.
        """
        ...


@dataclass(frozen=True)
class Status:
    """What a host reports: its loaded models, or the reason why there are none."""

    models: tuple[ModelInfo, ...] = ()
    reason: str | None = None


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


class EngineHost:
    """Open and check the engines of a task. A failure is kept in `status` and `fault`, not raised.

    A process that exited because of a damaged bundle would only be restarted again and again.
    """

    def __init__(self, task: Task, settings: Settings) -> None:
        self._task: Task = task
        self._engines: dict[str, Engine] = {}
        self._golden: dict[str, list[GoldenCase]] = {}  # by name of the model
        self._item_type: type[Any] = TASKS[task].item
        self._result_type: type[Any] = TASKS[task].result
        self._is_cancellable = any(one.name == "cancellation" for one in fields(self._item_type))
        self._cancellations: dict[str, Cancellation] = {}  # by id, of the texts being computed
        self._latest_deadlines: dict[int, float] = {}  # of the calls being computed
        self._tracer = load_tracer(settings.otlp_endpoint, settings.trace_sample)
        self.status = Status(reason=MISSING_SENTENCE)
        self.fault: str | None = None  # for the operator, in full
        try:
            self._open(settings)
        except Exception as error:
            is_explained = isinstance(error, BundleError | ConfigError)
            reason = str(error) if is_explained else None
            get_logger().error("start failed", task=task, reason=reason, **failure_fields(error))
            self._engines.clear()
            self.status = Status(reason=FAILED_SENTENCE)
            self.fault = reason or f"{type(error).__name__}: {error}"

    def _open(self, settings: Settings) -> None:
        directories, unreadable = find_bundles(settings.bundles_dir, self._task)
        if not directories:
            self.fault = explain_missing(settings.bundles_dir, self._task, unreadable)
            get_logger().error("no bundle", task=self._task, directory=str(settings.bundles_dir))
            return
        from seqserve.runtime.engine import check_golden  # imports onnxruntime

        open_engine = load_function(settings.engine_factory)
        engines: list[Engine] = []
        for directory in directories:
            started = time.perf_counter()
            engine: Engine = open_engine(directory)
            golden = check_golden(cast(Any, engine))  # also warms it up
            engines.append(engine)
            seconds = time.perf_counter() - started
            name = engine.bundle.manifest.name
            self._golden[name] = golden
            metrics.MODEL_LOAD_SECONDS.labels(self._task, name).set(seconds)
            get_logger().info(
                "bundle ready", task=self._task, path=str(directory), seconds=round(seconds, 3)
            )
        check_distinct(self._task, [engine.bundle for engine in engines])
        self._engines = {engine.bundle.manifest.name: engine for engine in engines}
        self.status = Status(tuple(describe(engine.bundle) for engine in engines))

    def predict(self, items: Sequence[InferenceItem]) -> Reply[InferenceResult]:
        """Compute a batch.

        Returns:
            Per text its result or its error, in order: a text that fails does not affect the others. An
            error is public: InputError, DeadlineExceeded, or SeqserveError without a message. With the
            seconds inside the engine.
        """
        return self.compute(items, to_inference_result)

    def compute(self, items: Sequence[InferenceItem], encode: Callable[[Any], E]) -> Reply[E]:
        """Compute a batch, as `predict`, with another form of the results.

        Args:
            items: The texts.
            encode: Converts a result of seqserve/records.py. TypeError fails that text alone.
        """
        from seqserve.cancellation import Cancellation

        started = time.perf_counter()
        self._cancellations.update(
            {item.cancellation_id: Cancellation(item.deadline) for item in items}
        )
        call = id(items)
        self._latest_deadlines[call] = max(item.deadline for item in items)
        try:
            outcomes = [
                # The search has ended before it was complete.
                DeadlineExceeded("The deadline passed inside the engine.")
                if self._cancellations[item.cancellation_id].is_noticed
                else outcome
                for outcome, item in zip(self._outcomes(items), items, strict=True)
            ]
            engine_s = time.perf_counter() - started
            if self._tracer is not None:
                self._tracer.note_engine(self._task, items, engine_s)
            pairs = zip(outcomes, items, strict=True)
            return Reply([self._encode(*pair, encode) for pair in pairs], engine_s)
        finally:
            del self._latest_deadlines[call]
            for item in items:
                del self._cancellations[item.cancellation_id]

    def is_stuck(self) -> bool:
        """Return whether a call is still running long after its last deadline."""
        latest = min(self._latest_deadlines.copy().values(), default=math.inf)
        return time.monotonic() - latest > STUCK_S

    def close(self) -> None:
        """Send the last spans."""
        if self._tracer is not None:
            self._tracer.flush()

    def cancel(self, cancellation_ids: Iterable[str]) -> None:
        """Cancel texts that are being computed; the other texts of their calls are not affected."""
        for cancellation_id in cancellation_ids:
            if cancellation := self._cancellations.get(cancellation_id):
                cancellation.cancel()

    def _outcomes(self, items: Sequence[InferenceItem]) -> list[Any]:
        """Return per text what its model returned or raised."""
        by_model: dict[str, list[int]] = defaultdict(list)
        for index, item in enumerate(items):
            by_model[item.model].append(index)
        outcomes: dict[int, Any] = {}
        for model, indices in by_model.items():
            results = self._attempt(self._engines[model], [items[index] for index in indices])
            outcomes.update(zip(indices, results, strict=True))
        return [outcomes[i] for i in range(len(items))]

    def _attempt(self, engine: Engine, items: Sequence[InferenceItem]) -> list[Any]:
        """Compute a batch; if that fails, compute its halves, down to the text that fails."""
        try:
            results = _computed(engine, [self._engine_item(item) for item in items])
            if len(results) != len(items):
                raise RuntimeError("an engine must return one result per item")
            return list(map(self._checked, items, results))
        except Exception as error:
            if len(items) == 1:
                self._log_failure(error, items[0])
                return [error.with_traceback(None)]  # the frames would keep the text alive
        middle = len(items) // 2
        return self._attempt(engine, items[:middle]) + self._attempt(engine, items[middle:])

    def _engine_item(self, item: InferenceItem) -> Any:
        extra: dict[str, Any] = {}
        if self._is_cancellable:
            extra = {"cancellation": self._cancellations[item.cancellation_id]}
        if case := self._golden_case(item):
            return replace(case.item, **extra)
        return self._item_type(**item.item, **extra)

    def _golden_case(self, item: InferenceItem) -> GoldenCase | None:
        if item.golden_case is None or not (cases := self._golden[item.model]):
            return None
        return cases[item.golden_case % len(cases)]

    def _checked(self, item: InferenceItem, result: Any) -> Any:
        """Return the result, or an error if it is not the one of the item's golden case."""
        case = self._golden_case(item)
        if case is None or case.is_met_by(result):
            return result
        if self._cancellations[item.cancellation_id].is_over:  # the result may be incomplete
            return result
        get_logger().error(
            "golden case has another answer",
            task=self._task,
            model=item.model,
            case=item.golden_case,
        )
        return SeqserveError("")

    def _encode(
        self, outcome: Any, item: InferenceItem, encode: Callable[[Any], E]
    ) -> E | SeqserveError:
        if isinstance(outcome, Exception):
            return _public(outcome)
        try:
            if not isinstance(outcome, self._result_type):
                raise TypeError(
                    f"an engine of {self._task} must return {self._result_type.__name__}"
                )
            return encode(outcome)
        except TypeError as error:
            self._log_failure(error, item)
            return _public(error)

    def _log_failure(self, error: Exception, item: InferenceItem) -> None:
        log = get_logger().info if isinstance(error, InputError) else get_logger().error
        log("text failed", task=self._task, request_id=item.request_id, **failure_fields(error))


def _computed(engine: Engine, items: Sequence[Any]) -> list[Any]:
    """Return the results of a batch.

    Raises:
        RuntimeError: A library in Rust panicked. The panic itself is no `Exception`, and would end the call of
            all texts.
    """
    try:
        return list(engine.predict(items))
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # its class cannot be imported
            raise
        raise RuntimeError("a library in Rust panicked") from error


def _public(error: Exception) -> SeqserveError:
    """Return the error that may leave the process: messages of other exceptions may quote the text."""
    is_public = isinstance(error, InputError | DeadlineExceeded)
    return cast(SeqserveError, error) if is_public else SeqserveError("")
