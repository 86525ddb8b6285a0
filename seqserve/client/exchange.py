"""One request and its repetitions as steps, without doing any of them: the two clients take them.

A generator yields `Send` or `Wait`; it is sent what came of a `Send`, and returns the outcome. So
deadlines, waits and errors are decided in one place for threads and for asyncio.
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
    """Send this, and say what came of it.

    Args:
        method: Of HTTP.
        path: Under the server's address.
        headers: Beside those of every request.
        body: What is sent.
        timeout_s: When to give up; infinite for never.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = math.inf


@dataclass(frozen=True)
class Wait:
    """Do nothing for so long."""

    seconds: float


@dataclass(frozen=True)
class Broken:
    """No answer.

    Args:
        reason: What happened, for people.
        is_late: The time was up.
        is_final: It will be so the next time, too.
    """

    reason: str
    is_late: bool = False
    is_final: bool = False


Outcome = TypeVar("Outcome")
Steps: TypeAlias = Generator[Send | Wait, Reply | Broken | None, Outcome]


@dataclass(frozen=True)
class Answered:
    """A success, the id of its request, and how often that was sent."""

    reply: Reply
    request_id: str
    n_attempts: int


def posting(path: str, body: bytes, policy: Policy) -> Send:
    """A prediction request with its body as the policy wants it."""
    headers = {"Content-Type": "application/json"}
    if policy.gzip:
        return Send("POST", path, {**headers, "Content-Encoding": "gzip"}, gzip.compress(body, 6))
    return Send("POST", path, headers, body)


def ask(what: Send, policy: Policy, deadline: Deadline, first: int = 0) -> Steps[Answered]:
    """Sends a request until it is answered, cannot be, or the deadline is there.

    Args:
        what: The request.
        policy: How often, and how long to wait in between.
        deadline: Of the caller.
        first: Index of its first text among the caller's.

    Raises:
        SeqserveError: the server's error, by its code.
        ServerUnreachable: there was no answer in any attempt.
        DeadlineExceeded: the time was up while the server had the request.
        UnexpectedAnswer: what came is not the contract's.
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
    raise AssertionError("counting does not end")


def _judge(
    outcome: Reply | Broken | None, request_id: str, first: int
) -> tuple[SeqserveError, float]:
    """The error of an attempt, and the least time to wait; infinite where another is no use."""
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
        f"There was no answer within timeout_s, {deadline.seconds:g} s. Give more time, or fewer texts."
    )
    error.request_id = request_id
    return error
