"""What the gateway and a runner say to each other: one JSON document per text, each way.

BentoML carries a list of byte strings without looking into it, so this module is all there is to
know about the format. Every text travels with its request id, for the runner's log, with the name
of its model, and with the seconds that are left for it: the clocks of two processes may differ.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from seqserve.errors import DeadlineExceeded, InputError, SeqserveError

_PROCESS = uuid.uuid4().hex
_COUNT = count()


def _new_ticket() -> str:
    return f"{_PROCESS}-{next(_COUNT)}"


@dataclass(frozen=True)
class Work:
    """One text on its way to a model.

    Args:
        request_id: Of the request that the text came with.
        model: Name of the bundle.
        item: Fields of the task's item in seqserve/runtime/records.py. The class itself would bring
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
    ticket: str = field(default_factory=_new_ticket)
    traceparent: str = ""
    queued_ns: int = 0


@dataclass(frozen=True)
class Done:
    """The result of one text as JSON-ready fields, without those that were not asked for."""

    fields: dict[str, Any]
    n_tokens: int


def pack_work(work: Work) -> bytes:
    """One text for a runner."""
    fields = {
        "request_id": work.request_id,
        "model": work.model,
        "item": work.item,
        "seconds_left": work.deadline - time.monotonic(),
        "ticket": work.ticket,
    }
    if work.traceparent:
        fields["traceparent"] = work.traceparent
    return orjson.dumps(fields)


def unpack_work(packed: bytes) -> Work:
    """Reverses `pack_work`; the deadline is a time of this process, later by the way between."""
    fields = orjson.loads(packed)
    deadline = time.monotonic() + fields.pop("seconds_left")
    return Work(**fields, deadline=deadline)


def pack_result(result: Any, engine_s: float) -> bytes:
    """One result for the gateway.

    Args:
        result: A result of seqserve/runtime/records.py.
        engine_s: Seconds that the engine took for the whole batch.
    """
    document = {"result": result, "engine_s": engine_s}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def pack_failure(error: Exception, engine_s: float) -> bytes:
    """One failure for the gateway; the message goes along only where it is public."""
    failure = {"code": SeqserveError.code, "message": ""}
    if isinstance(error, InputError | DeadlineExceeded):
        failure = {"code": error.code, "message": str(error)}
    return orjson.dumps({"error": failure, "engine_s": engine_s})


_PUBLIC: list[type[SeqserveError]] = [InputError, *InputError.__subclasses__(), DeadlineExceeded]
_PUBLIC_BY_CODE = {kind.code: kind for kind in _PUBLIC}


def unpack_reply(packed: bytes) -> tuple[Done | SeqserveError, float]:
    """Reverses `pack_result` and `pack_failure`.

    Returns:
        The result or the error of one text, and the seconds inside the engine.
    """
    document = orjson.loads(packed)
    if "error" in document:
        failure = document["error"]
        kind = _PUBLIC_BY_CODE.get(failure["code"], SeqserveError)
        return kind(failure["message"]), document["engine_s"]
    fields: dict[str, Any] = document["result"]
    n_tokens = fields.pop("n_tokens")
    asked = {name: value for name, value in fields.items() if value is not None}
    return Done(asked, n_tokens), document["engine_s"]
