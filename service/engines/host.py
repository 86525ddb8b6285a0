"""The engine host of one task: run batches on its models, and isolate the text that fails.

A host lives in a runner's process, or in the gateway's if the topology is `embedded`. Several threads
may use it at once. It knows neither BentoML nor HTTP nor bytes, and imports onnxruntime only when it is
constructed.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from seqserve.errors import DeadlineExceeded, InputError, SeqserveError, UnavailableError
from seqserve.model_info import Changes
from seqserve.tasks import TASKS, Task
from service.engines.changes import Change
from service.engines.messages import InferenceItem, InferenceResult, to_inference_result
from service.engines.models import Models, Status
from service.engines.opening import Engine, LoadedModel
from service.queue.batcher import Reply
from service.settings import Settings
from service.telemetry.logs import failure_fields, get_logger
from service.telemetry.tracing import load_tracer

if TYPE_CHECKING:
    from seqserve.cancellation import Cancellation
    from seqserve.runtime.engine import GoldenCase

E = TypeVar("E")  # an encoded result

_UNLOADED = "was unloaded after the request had been accepted. Send the request again."
STUCK_S = 10.0  # beyond the latest deadline of a call: an engine that works has ended it by then


class EngineHost:
    """The models of a task and their batches. That none could be loaded is kept in `fault`, not raised.

    A process that exited because of a damaged bundle would only be restarted again and again.

    Args:
        task: The task.
        settings: Where the bundles are, and what opens them.
        only: The name or id of the only model to load; None loads all.
    """

    def __init__(self, task: Task, settings: Settings, only: str | None = None) -> None:
        self._task: Task = task
        self._item_type: type[Any] = TASKS[task].item
        self._result_type: type[Any] = TASKS[task].result
        self._is_cancellable = any(one.name == "cancellation" for one in fields(self._item_type))
        self._cancellations: dict[str, Cancellation] = {}  # by id, of the texts being computed
        self._latest_deadlines: dict[int, float] = {}  # of the calls being computed
        self._tracer = load_tracer(settings.otlp_endpoint, settings.trace_sample)
        self.models = Models(task, settings, only)
        self.fault = self.models.load()  # for the operator, in full
        if self.fault is not None:
            get_logger().error("start failed", task=task, reason=self.fault)

    @property
    def status(self) -> Status:
        """The models and their states."""
        return self.models.status

    def change(self, change: Change) -> Changes:
        """Carry out a command about the models, while others are used; see `Models.change`."""
        return self.models.change(change)

    def predict(self, items: Sequence[InferenceItem]) -> Reply[InferenceResult]:
        """Compute a batch.

        Returns:
            Per text its result or its error, in order: a text that fails does not affect the others. An
            error is public: InputError, UnavailableError, or SeqserveError without a message. With the
            seconds inside the engine.
        """
        return self.compute(items, to_inference_result)

    def compute(self, items: Sequence[InferenceItem], encode: Callable[[Any], E]) -> Reply[E]:
        """Compute a batch, as `predict`, with another form of the results.

        Args:
            items: The texts.
            encode: Converts a result of seqserve/records/. TypeError fails that text alone.
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
            results = self._of_model(model, [items[index] for index in indices])
            outcomes.update(zip(indices, results, strict=True))
        return [outcomes[i] for i in range(len(items))]

    def _of_model(self, model_id: str, items: Sequence[InferenceItem]) -> list[Any]:
        """Return per text what a model returned or raised. The model stays the same for the whole call."""
        model = self.models.get(model_id)
        if model is None:
            return [UnavailableError(f"{model_id} {_UNLOADED}")] * len(items)
        return self._attempt(model, items)

    def _attempt(self, model: LoadedModel, items: Sequence[InferenceItem]) -> list[Any]:
        """Compute a batch; if that fails, compute its halves, down to the text that fails."""
        try:
            cases = [_golden_case(model, item) for item in items]
            prepared = list(map(self._engine_item, items, cases))
            results = _computed(model.engine, prepared)
            if len(results) != len(items):
                raise RuntimeError("an engine must return one result per item")
            return list(map(self._checked, items, cases, results))
        except Exception as error:
            if len(items) == 1:
                self._log_failure(error, items[0])
                return [error.with_traceback(None)]  # the frames would keep the text alive
        middle = len(items) // 2
        return self._attempt(model, items[:middle]) + self._attempt(model, items[middle:])

    def _engine_item(self, item: InferenceItem, case: GoldenCase | None) -> Any:
        extra: dict[str, Any] = {}
        if self._is_cancellable:
            extra = {"cancellation": self._cancellations[item.cancellation_id]}
        if case is not None:
            return replace(case.item, **extra)
        return self._item_type(**item.item, **extra)

    def _checked(self, item: InferenceItem, case: GoldenCase | None, result: Any) -> Any:
        """Return the result, or an error if it is not the one of the item's golden case."""
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
        log(
            "text failed",
            task=self._task,
            model=item.model,
            request_id=item.request_id,
            **failure_fields(error),
        )


def _golden_case(model: LoadedModel, item: InferenceItem) -> GoldenCase | None:
    """Return the golden case that takes the place of an item, if any."""
    if item.golden_case is None or not model.golden:
        return None
    return model.golden[item.golden_case % len(model.golden)]


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
    is_public = isinstance(error, InputError | UnavailableError)
    return cast(SeqserveError, error) if is_public else SeqserveError("")
