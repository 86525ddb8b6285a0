"""The objects that the gateway and the engines exchange: inference items and results.

They stay objects while both ends are in one process. `codec.py` encodes them for another process.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson

from seqserve.errors import SeqserveError

# Unique over all processes, so that an id of one gateway never means an item of another.
_PROCESS = uuid.uuid4().hex
_COUNT = count()


def _new_cancellation_id() -> str:
    return f"{_PROCESS}-{next(_COUNT)}"


@dataclass(slots=True)  # not frozen: constructing a frozen one takes twice as long
class InferenceItem:
    """One text to be processed by a model.

    Args:
        request_id: Of the request that the text belongs to.
        model: Id of the model that is to answer.
        item: Fields of the task's item in seqserve/records/.
        deadline: Time of `time.monotonic` in this process after which the result is not needed.
        cancellation_id: Identifies the text in `EngineHost.cancel`. The request id would not do: the
            caller chooses it.
        traceparent: Of the parent span, in W3C's form; empty if the request is not traced.
        golden_case: Number of a golden case, counted round, that replaces the item if its model has any.
        queued_ns: When it was queued, in nanoseconds since 1970; stays in the gateway.
        is_partial: Whether its error must not fail its request; stays in the gateway.
        outcome: Its result or error, if `is_partial`; stays in the gateway.
        on_outcome: Called with the outcome as soon as it is known; stays in the gateway.
        cache_key: Equal for texts with the same result; empty: the result is not remembered. Stays in the
            gateway.
    """

    request_id: str
    model: str
    item: dict[str, Any]
    deadline: float
    cancellation_id: str = field(default_factory=_new_cancellation_id)
    traceparent: str = ""
    golden_case: int | None = None
    queued_ns: int = 0
    is_partial: bool = False
    outcome: InferenceResult | SeqserveError | None = None
    cache_key: bytes = b""
    on_outcome: Callable[[InferenceResult | SeqserveError], None] | None = None

    def resolve(self, outcome: InferenceResult | SeqserveError | None) -> None:
        """Note the outcome of a partial request's text, and report it; None: there is none yet."""
        self.outcome = outcome
        if outcome is not None and self.on_outcome is not None:
            # Not here: the batch has texts of other requests, too.
            asyncio.get_running_loop().call_soon(self.on_outcome, outcome)


@dataclass(slots=True)
class InferenceResult:
    """The result of one text as plain JSON values.

    Args:
        fields: The fields that the API's JSON has.
        n_tokens: Tokens of the text, as the model counts them.
    """

    fields: dict[str, Any]
    n_tokens: int

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> InferenceResult:
        """Take the number of tokens out of the fields of an engine's result."""
        return cls(fields, fields.pop("n_tokens") or 0)


def to_inference_result(result: Any) -> InferenceResult:
    """Convert a result of seqserve/records/.

    orjson writes and reads it in C, which is faster than a walk over its fields in Python.

    Raises:
        TypeError: It holds a value that JSON cannot represent.
    """
    return InferenceResult.of_fields(orjson.loads(encode_result(result)))


def encode_result(result: Any) -> bytes:
    """Encode a result of seqserve/records/ as JSON.

    Raises:
        TypeError: It holds a value that JSON cannot represent.
    """
    return orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)
