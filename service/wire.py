"""What the gateway and a runner say to each other: one JSON document per text, each way.

BentoML carries a list of byte strings without looking into it, so this module is all there is to
know about the format. Every text travels with its request id, for the runner's log, and with the
name of its model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from seqserve.errors import InputError, SeqserveError


@dataclass(frozen=True)
class Work:
    """One text on its way to a model.

    Args:
        request_id: Of the request that the text came with.
        model: Name of the bundle.
        item: Fields of the task's item in seqserve/runtime/records.py. The class itself would bring
            onnxruntime into the gateway.
    """

    request_id: str
    model: str
    item: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """The result of one text as JSON-ready fields, without those that were not asked for."""

    fields: dict[str, Any]
    n_tokens: int


def pack_work(work: Work) -> bytes:
    """One text for a runner."""
    return orjson.dumps(work)


def unpack_work(packed: bytes) -> Work:
    """Reverses `pack_work`."""
    return Work(**orjson.loads(packed))


def pack_result(result: Any, engine_s: float) -> bytes:
    """One result for the gateway.

    Args:
        result: A result of seqserve/runtime/records.py.
        engine_s: Seconds that the engine took for the whole batch.
    """
    document = {"result": result, "engine_s": engine_s}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def pack_failure(error: Exception, engine_s: float) -> bytes:
    """One failure for the gateway; the message goes along only where the caller is at fault."""
    is_callers = isinstance(error, InputError)
    code = error.code if isinstance(error, InputError) else SeqserveError.code
    failure = {"code": code, "message": str(error) if is_callers else ""}
    return orjson.dumps({"error": failure, "engine_s": engine_s})


_KINDS: list[type[InputError]] = [InputError, *InputError.__subclasses__()]
_CALLERS_FAULTS: dict[str, type[SeqserveError]] = {kind.code: kind for kind in _KINDS}


def unpack_reply(packed: bytes) -> tuple[Done | SeqserveError, float]:
    """Reverses `pack_result` and `pack_failure`.

    Returns:
        The result or the error of one text, and the seconds inside the engine.
    """
    document = orjson.loads(packed)
    if "error" in document:
        failure = document["error"]
        kind = _CALLERS_FAULTS.get(failure["code"], SeqserveError)
        return kind(failure["message"]), document["engine_s"]
    fields: dict[str, Any] = document["result"]
    n_tokens = fields.pop("n_tokens")
    asked = {name: value for name, value in fields.items() if value is not None}
    return Done(asked, n_tokens), document["engine_s"]
