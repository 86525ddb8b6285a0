"""One request and its retries as a generator of steps, which both clients run.

The generator yields `Send` or `Wait`, receives the outcome of a `Send`, and returns the response. That way
deadlines, waits and errors are decided in one place, for threads and for asyncio.
"""

from __future__ import annotations

import gzip
import itertools
import math
import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from seqserve.client.policy import Deadline, Policy
from seqserve.client.problems import (
    Reply,
    ServerUnreachable,
    is_worth_a_retry,
    retry_after_s,
    to_error,
)
from seqserve.errors import DeadlineExceeded, SeqserveError


@dataclass(frozen=True)
class Send:
    """The step of sending a request.

    Args:
        method: The HTTP method.
        path: Relative to the address of the server.
        headers: In addition to those of every request.
        body: The body.
        timeout_s: Seconds after which to give up; infinite for never.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = math.inf


@dataclass(frozen=True)
class Wait:
    """The step of waiting."""

    seconds: float


@dataclass(frozen=True)
class Broken:
    """The outcome of a request without a response.

    Args:
        reason: What happened, for error messages.
        is_late: Whether the timeout expired.
        is_final: Whether a retry would fail as well.
    """

    reason: str
    is_late: bool = False
    is_final: bool = False


Outcome = TypeVar("Outcome")
Steps: TypeAlias = Generator[Send | Wait, Reply | Broken | None, Outcome]


@dataclass(frozen=True)
class Answered:
    """A successful response, the id of its request, and the number of attempts."""

    reply: Reply
    request_id: str
    n_attempts: int


def posting(path: str, body: bytes, policy: Policy) -> Send:
    """Return a prediction request, compressed if the policy says so."""
    headers = {"Content-Type": "application/json"}
    if policy.gzip:
        return Send("POST", path, {**headers, "Content-Encoding": "gzip"}, gzip.compress(body, 6))
    return Send("POST", path, headers, body)


def ask(what: Send, policy: Policy, deadline: Deadline, first: int = 0) -> Steps[Answered]:
    """Send a request, and retry until it is answered, cannot succeed, or the deadline passes.

    Args:
        what: The request.
        policy: The number of attempts, and the waits between them.
        deadline: The deadline of the call.
        first: Index of its first text among the texts of the caller.

    Raises:
        SeqserveError: The error of the server, by its code.
        ServerUnreachable: No attempt had a response.
        DeadlineExceeded: The deadline passed while the server had the request.
        UnexpectedAnswer: The response does not follow the API.
    """
    request_id = uuid.uuid4().hex
    for n_attempts in itertools.count(1):
        left_s = deadline.left_s()
        if left_s <= 0:
            raise _late(deadline, request_id)
        headers = {**what.headers, **deadline.header(), "X-Request-ID": request_id}
        outcome = yield replace(what, headers=headers, timeout_s=left_s)
        if isinstance(outcome, Reply) and outcome.status == 200:
            return Answered(outcome, outcome.headers.get("x-request-id", request_id), n_attempts)
        if isinstance(outcome, Broken) and outcome.is_late:
            raise _late(deadline, request_id)
        error, wait_s = _judge(outcome, request_id, first)
        wait_s += random.uniform(0, policy.longest_jitter_s(n_attempts))
        if n_attempts >= policy.attempts or wait_s >= deadline.left_s():
            error.add_note(f"Sent {n_attempts} times, under the request id {request_id}.")
            raise error
        yield Wait(wait_s)
    raise AssertionError("unreachable")


def _judge(
    outcome: Reply | Broken | None, request_id: str, first: int
) -> tuple[SeqserveError, float]:
    """Return the error of an attempt, and the minimum wait; infinite if a retry is useless."""
    if isinstance(outcome, Reply):
        error = to_error(outcome, request_id, first)
        wait_s = retry_after_s(outcome) or 0.0
        return error, wait_s if is_worth_a_retry(error) else math.inf
    assert isinstance(outcome, Broken)
    error = ServerUnreachable(outcome.reason)
    error.request_id = request_id
    return error, math.inf if outcome.is_final else 0.0


def _late(deadline: Deadline, request_id: str) -> DeadlineExceeded:
    error = DeadlineExceeded(
        f"There was no answer within timeout_s, {deadline.seconds:g} s. "
        "Set a longer timeout, or send fewer texts."
    )
    error.request_id = request_id
    return error
