"""What the gateway and a runner say to each other: one JSON document per batch, each way.

Every text travels with its request id, for the runner's log, with the name of its model, and with the
seconds that are left for it: the clocks of two processes may differ.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from seqserve.errors import DeadlineExceeded, InputError, SeqserveError

_PROCESS = uuid.uuid4().hex
_COUNT = count()


def _new_ticket() -> str:
    return f"{_PROCESS}-{next(_COUNT)}"


@dataclass(slots=True)  # not frozen, which would take twice as long to make
class InferenceItem:
    """One text on its way to a model.

    Args:
        request_id: Of the request that the text came with.
        model: Name of the bundle.
        item: Fields of the task's item in seqserve/records.py. The class itself would bring
            onnxruntime into the gateway.
        deadline: Time of `time.monotonic` in this process after which nobody wants the answer.
        ticket: What the text is cancelled by. Not the request id, which the caller chooses.
        traceparent: Of the span that it belongs to, in W3C's form; empty where it is not traced.
        queued_ns: When it began to wait, in nanoseconds since 1970; stays in the gateway.
    """

    request_id: str
    model: str
    item: dict[str, Any]
    deadline: float
    cancellation_id: str = field(default_factory=_new_ticket)
    traceparent: str = ""
    queued_ns: int = 0


@dataclass(slots=True)
class InferenceResult:
    """The result of one text as JSON-ready fields, without those that were not asked for."""

    fields: dict[str, Any]
    n_tokens: int


def pack_items(items: Sequence[InferenceItem]) -> bytes:
    """A batch for a runner."""
    now = time.monotonic()
    return orjson.dumps([_to_fields(work, now) for work in items])


def _to_fields(work: InferenceItem, now: float) -> dict[str, Any]:
    fields = {
        "request_id": work.request_id,
        "model": work.model,
        "item": work.item,
        "seconds_left": work.deadline - now,
        "cancellation_id": work.cancellation_id,
    }
    if work.traceparent:
        fields["traceparent"] = work.traceparent
    return fields


def unpack_items(packed: bytes) -> list[InferenceItem]:
    """Reverses `pack_items`; the deadlines are times of this process, later by the way between."""
    now = time.monotonic()
    return [
        InferenceItem(deadline=now + fields.pop("seconds_left"), **fields)
        for fields in orjson.loads(packed)
    ]


def pack_outcomes(outcomes: Sequence[object], engine_s: float) -> bytes:
    """What came of a batch, for the gateway.

    Args:
        outcomes: Per text a result of seqserve/records.py or an exception, whose message goes
            along only where it is public.
        engine_s: Seconds that the engine took.

    Raises:
        TypeError: a result cannot be packed.
    """
    texts = [
        {"error": _to_failure(one)} if isinstance(one, Exception) else {"result": one}
        for one in outcomes
    ]
    document = {"texts": texts, "engine_s": engine_s}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _to_failure(error: Exception) -> dict[str, str]:
    if isinstance(error, InputError | DeadlineExceeded):
        return {"code": error.code, "message": str(error)}
    return {"code": SeqserveError.code, "message": ""}


_PUBLIC: list[type[SeqserveError]] = [InputError, *InputError.__subclasses__(), DeadlineExceeded]
_PUBLIC_BY_CODE = {kind.code: kind for kind in _PUBLIC}


def unpack_outcomes(packed: bytes) -> tuple[list[InferenceResult | SeqserveError], float]:
    """Reverses `pack_outcomes`.

    Returns:
        Per text its result or error, and the seconds inside the engine.
    """
    document = orjson.loads(packed)
    return [_to_outcome(text) for text in document["texts"]], document["engine_s"]


def _to_outcome(text: dict[str, Any]) -> InferenceResult | SeqserveError:
    if failure := text.get("error"):
        return _PUBLIC_BY_CODE.get(failure["code"], SeqserveError)(failure["message"])
    fields: dict[str, Any] = text["result"]
    n_tokens = fields.pop("n_tokens")
    return InferenceResult(fields, n_tokens)
