"""The engines of one task: opened, checked, and kept from failing a batch for one text's sake.

A host lives in a runner's process, or in the gateway's when the topology is `embedded`. Several
threads may use it at once. It knows neither BentoML nor HTTP, and it imports onnxruntime only when
it is made.
"""

from __future__ import annotations

import importlib
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import orjson

from seqserve.bundle import Bundle
from seqserve.errors import BundleError, ConfigError, DeadlineExceeded, InputError
from seqserve.tasks import TASKS
from seqserve.tasks import Task as TaskName
from service.engines import messages
from service.settings import Settings
from service.telemetry import metrics
from service.telemetry.logs import failure_fields, get_logger
from service.telemetry.tracing import load_tracer

if TYPE_CHECKING:
    from seqserve.cancellation import Cancellation

FAILED_SENTENCE = "the model failed its start checks, see the log"
STUCK_S = 10.0  # every call of a sound engine has ended by then
MISSING_SENTENCE = "no bundle of this task was found"


class Engine(Protocol):
    """What `seqserve.runtime.open_engine` gives, and what a custom factory must give."""

    @property
    def bundle(self) -> Bundle:
        """The model directory behind it."""
        ...

    def predict(self, items: Sequence[Any], /) -> Sequence[Any]:
        """One result per item, in order; records of seqserve/records.py.

        As many threads call at once as the settings allow calls of the task.
        """
        ...


@dataclass(frozen=True)
class ModelInfo:
    """One loaded bundle, as `GET /v1/models` shows it."""

    name: str
    task: TaskName
    languages: list[str]
    labels: list[str]
    version: str
    sha256: str
    limits: dict[str, Any]
    precision: str
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Status:
    """What a host says about itself: its cards, or the reason why there are none."""

    cards: list[ModelInfo] = field(default_factory=list)
    reason: str | None = None

    def pack(self) -> bytes:
        """For the way from a runner to the gateway."""
        return orjson.dumps(self, option=orjson.OPT_SERIALIZE_NUMPY)

    @classmethod
    def unpack(cls, packed: bytes) -> Status:
        """Reverses `pack`."""
        document = orjson.loads(packed)
        return cls([ModelInfo(**card) for card in document["cards"]], document["reason"])


def load_function(reference: str) -> Callable[..., Any]:
    """The function behind `module:function`.

    Raises:
        ConfigError: there is no such module or function.
    """
    module, _, name = reference.partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{reference} cannot be imported") from error
    return function


def find_bundles(directory: Path, task: TaskName) -> tuple[list[Path], list[Path]]:
    """The model directories of one task, by name, and manifests that cannot be read.

    Nobody can tell whose these are: the task that misses its bundle names them.
    """
    found, unreadable = [], []
    for manifest in sorted(directory.glob("[!.]*/manifest.json")):
        try:
            if orjson.loads(manifest.read_bytes())["task"] == task:
                found.append(manifest.parent)
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            fields = failure_fields(error)
            get_logger().error("manifest cannot be read", path=str(manifest), task=task, **fields)
            unreadable.append(manifest)
    return found, unreadable


class EngineHost:
    """Opens and checks the engines of a task; a failure is kept and told, not raised.

    A process that died on a damaged bundle would only be started again and again.
    """

    def __init__(self, task: TaskName, settings: Settings) -> None:
        self._task = task
        self._engines: dict[str, Engine] = {}
        self._item_type: type[Any] = dict
        self._is_cancellable = False
        self._cancellations: dict[str, Cancellation] = {}  # by ticket, of the texts at work
        self._latest_deadlines: dict[int, float] = {}  # of the calls at work
        self._tracer = load_tracer(settings.otlp_endpoint, settings.trace_sample)
        self.status = Status(reason=MISSING_SENTENCE)
        self.fault: str | None = None  # for the operator, in full
        try:
            self._open(settings)
        except Exception as error:
            reason = str(error) if isinstance(error, (BundleError, ConfigError)) else None
            get_logger().error("start failed", task=task, reason=reason, **failure_fields(error))
            self._engines.clear()
            self.status = Status(reason=FAILED_SENTENCE)
            self.fault = f"{type(error).__name__}: {error}"

    def _open(self, settings: Settings) -> None:
        directories, unreadable = find_bundles(settings.bundles_dir, self._task)
        if not directories:
            broken = "".join(f"; {path} cannot be read" for path in unreadable)
            self.fault = (
                f"there is no bundle of this task in {settings.bundles_dir.resolve()}{broken}. "
                "Export or copy one there, or leave the task out of SEQSERVE_TASKS."
            )
            get_logger().error("no bundle", task=self._task, directory=str(settings.bundles_dir))
            return
        from seqserve.runtime.engine import check_golden  # brings onnxruntime in

        self._item_type = TASKS[self._task].item
        self._is_cancellable = any(one.name == "cancellation" for one in fields(self._item_type))
        open_engine = load_function(settings.engine_factory)
        for directory in directories:
            started = time.perf_counter()
            engine: Engine = open_engine(directory)
            check_golden(cast(Any, engine))  # also warms it up
            name = engine.bundle.manifest.name
            self._engines[name] = engine
            seconds = time.perf_counter() - started
            metrics.MODEL_LOAD_SECONDS.labels(self._task, name).set(seconds)
            get_logger().info(
                "bundle ready", task=self._task, path=str(directory), seconds=round(seconds, 3)
            )
        cards = [_card(self._task, engine.bundle) for engine in self._engines.values()]
        _check_distinct(self._task, cards, len(directories))
        self.status = Status(cards)

    def predict(self, packed: bytes) -> bytes:
        """Exactly one outcome per text, in order; a text that fails leaves the others alone.

        Args:
            packed: A batch from `messages.pack_works`.

        Returns:
            Outcomes for `messages.unpack_outcomes`; DeadlineExceeded for a text that was given up.
        """
        from seqserve.cancellation import Cancellation  # brings onnxruntime in

        started = time.perf_counter()
        items = messages.unpack_items(packed)
        self._cancellations.update(
            {work.cancellation_id: Cancellation(work.deadline) for work in items}
        )
        call = id(items)
        self._latest_deadlines[call] = max(work.deadline for work in items)
        try:
            outcomes = [
                # What an engine gives after the end may be half done.
                DeadlineExceeded("The deadline passed inside the engine.")
                if self._cancellations[work.cancellation_id].is_over
                else outcome
                for outcome, work in zip(self._outcomes(items), items, strict=True)
            ]
            engine_s = time.perf_counter() - started
            if self._tracer is not None:
                self._tracer.note_engine(self._task, items, engine_s)
            return self._pack(outcomes, items, engine_s)
        finally:
            del self._latest_deadlines[call]
            for work in items:
                del self._cancellations[work.cancellation_id]

    def is_stuck(self) -> bool:
        """Is a call still at work long after the last of its texts was given up?"""
        latest = min(self._latest_deadlines.copy().values(), default=math.inf)
        return time.monotonic() - latest > STUCK_S

    def close(self) -> None:
        """Sends the last spans."""
        if self._tracer is not None:
            self._tracer.flush()

    def cancel(self, cancellation_ids: Iterable[str]) -> None:
        """Gives texts up that are at work; the others of their calls are none the worse."""
        for cancellation_id in cancellation_ids:
            if cancellation := self._cancellations.get(cancellation_id):
                cancellation.cancel()

    def _outcomes(self, items: Sequence[messages.InferenceItem]) -> list[Any]:
        """Per text what its model gave: a result or an exception."""
        by_model: dict[str, list[int]] = defaultdict(list)
        for index, work in enumerate(items):
            by_model[work.model].append(index)
        outcomes: dict[int, Any] = {}
        for model, indices in by_model.items():
            results = self._attempt(self._engines[model], [items[index] for index in indices])
            outcomes.update(zip(indices, results, strict=True))
        return [outcomes[i] for i in range(len(items))]

    def _attempt(self, engine: Engine, items: Sequence[messages.InferenceItem]) -> list[Any]:
        """Results of a batch; where it fails, of its halves, down to the text that is to blame."""
        try:
            results = list(engine.predict([self._item(work) for work in items]))
            if len(results) != len(items):
                raise RuntimeError("an engine must give one result per item")
            return results
        except Exception as error:
            if len(items) == 1:
                self._note(error, items[0])
                return [error.with_traceback(None)]  # whose frames hold on to it
        middle = len(items) // 2
        return self._attempt(engine, items[:middle]) + self._attempt(engine, items[middle:])

    def _item(self, work: messages.InferenceItem) -> Any:
        if not self._is_cancellable:
            return self._item_type(**work.item)
        return self._item_type(**work.item, cancellation=self._cancellations[work.cancellation_id])

    def _pack(
        self, outcomes: Sequence[Any], items: Sequence[messages.InferenceItem], engine_s: float
    ) -> bytes:
        try:
            return messages.pack_outcomes(outcomes, engine_s)
        except TypeError:  # the engine gave something that is no JSON
            checked = [self._checked(*pair) for pair in zip(outcomes, items, strict=True)]
            return messages.pack_outcomes(checked, engine_s)

    def _checked(self, outcome: Any, work: messages.InferenceItem) -> Any:
        try:
            messages.pack_outcomes([outcome], 0.0)
        except TypeError as error:
            self._note(error, work)
            return error
        return outcome

    def _note(self, error: Exception, work: messages.InferenceItem) -> None:
        log = get_logger().info if isinstance(error, InputError) else get_logger().error
        log("text failed", task=self._task, request_id=work.request_id, **failure_fields(error))


def _card(task: TaskName, bundle: Bundle) -> ModelInfo:
    manifest = bundle.manifest
    return ModelInfo(
        name=manifest.name,
        task=task,
        languages=list(manifest.languages),
        labels=list(manifest.labels),
        version=manifest.version,
        sha256=bundle.sha256,
        limits=manifest.limits,
        precision=manifest.precision,
        metrics=manifest.metrics,
    )


def _check_distinct(task: TaskName, cards: Iterable[ModelInfo], n_bundles: int) -> None:
    """Raises ConfigError: a request would not say which of two bundles is meant."""
    served = {tuple(card.languages) if task == "translation" else task for card in cards}
    if len(served) < n_bundles:
        raise ConfigError(
            f"{n_bundles} bundles for {len(served)} kinds of request; keep one bundle "
            + ("per language pair" if task == "translation" else f"of task {task}")
        )
