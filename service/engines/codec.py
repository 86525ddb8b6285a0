"""The wire format between the gateway and a runner: one JSON document per call, each way.

Each item carries the seconds that are left until its deadline: the clocks of two processes may differ.
A result is encoded once, from the engine's dataclass, and decoded once, to the fields of the API's JSON.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from seqserve.errors import DeadlineExceeded, InputError, SeqserveError, UnavailableError
from seqserve.model_info import Changes, ModelInfo
from service.engines.changes import Change
from service.engines.messages import InferenceItem, InferenceResult, encode_result
from service.engines.models import Status
from service.queue.batcher import Reply


def pack_items(items: Sequence[InferenceItem]) -> bytes:
    """Encode a batch.

    Raises:
        TypeError: JSON cannot represent an item.
    """
    now = time.monotonic()
    return orjson.dumps([_item_fields(item, now) for item in items])


def _item_fields(item: InferenceItem, now: float) -> dict[str, Any]:
    fields = {
        "request_id": item.request_id,
        "model": item.model,
        "item": item.item,
        "seconds_left": item.deadline - now,
        "cancellation_id": item.cancellation_id,
    }
    if item.traceparent:
        fields["traceparent"] = item.traceparent
    if item.golden_case is not None:
        fields["golden_case"] = item.golden_case
    return fields


def unpack_items(packed: bytes) -> list[InferenceItem]:
    """Decode a batch; its deadlines are times of this process, later by the time in transit."""
    now = time.monotonic()
    return [
        InferenceItem(deadline=now + fields.pop("seconds_left"), **fields)
        for fields in orjson.loads(packed)
    ]


def encode_part(result: Any) -> orjson.Fragment:
    """Encode one result as a part of the document of `pack_reply`.

    Raises:
        TypeError: JSON cannot represent it.
    """
    return orjson.Fragment(encode_result(result))


def pack_reply(reply: Reply[orjson.Fragment]) -> bytes:
    """Encode the outcomes of a batch: per text an encoded result, or an error."""
    texts = [
        {"error": {"code": one.code, "message": str(one)}}
        if isinstance(one, SeqserveError)
        else {"result": one}
        for one in reply.results
    ]
    return orjson.dumps({"texts": texts, "engine_s": reply.engine_s})


_PUBLIC: list[type[SeqserveError]] = [
    InputError,
    *InputError.__subclasses__(),
    UnavailableError,
    DeadlineExceeded,
]
_PUBLIC_BY_CODE = {kind.code: kind for kind in _PUBLIC}


def unpack_reply(packed: bytes) -> Reply[InferenceResult]:
    """Decode the outcomes of a batch."""
    document = orjson.loads(packed)
    return Reply([_to_outcome(text) for text in document["texts"]], document["engine_s"])


def _to_outcome(text: dict[str, Any]) -> InferenceResult | SeqserveError:
    if failure := text.get("error"):
        return _PUBLIC_BY_CODE.get(failure["code"], SeqserveError)(failure["message"])
    return InferenceResult.of_fields(text["result"])


def pack_status(status: Status) -> bytes:
    """Encode a status."""
    return orjson.dumps(status, option=orjson.OPT_SERIALIZE_NUMPY)


def unpack_status(packed: bytes) -> Status:
    """Decode a status."""
    document = orjson.loads(packed)
    return Status(tuple(map(_to_model_info, document["models"])), document["reason"])


def _to_model_info(fields: Mapping[str, Any]) -> ModelInfo:
    as_tuples = {name: tuple(fields[name]) for name in ("languages", "labels")}
    pairs = tuple(map(tuple, fields["language_pairs"]))
    return ModelInfo(**{**fields, **as_tuples, "language_pairs": pairs})


def pack_change(change: Change) -> bytes:
    """Encode a command about the models."""
    return orjson.dumps(change)


def unpack_change(packed: bytes) -> Change:
    """Decode a command about the models."""
    fields = orjson.loads(packed)
    return Change(fields["action"], tuple(fields["models"]))


def pack_changes(changes: Changes) -> bytes:
    """Encode what a command changed."""
    return orjson.dumps(changes)


def unpack_changes(packed: bytes) -> Changes:
    """Decode what a command changed."""
    fields = orjson.loads(packed)
    as_tuples = {name: tuple(fields[name]) for name in ("loaded", "unloading")}
    return Changes(**{**fields, **as_tuples})
