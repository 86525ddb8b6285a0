"""From an answer that is no success to an exception of the error tree.

The server's codes and the classes of seqserve/errors.py are the same list, so whoever catches
`Overloaded` catches what the server raised. What is no answer of ours has two classes here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from seqserve import errors
from seqserve.errors import DeadlineExceeded, InputError, SeqserveError, UnavailableError


class ServerUnreachable(UnavailableError):
    """There is no connection to the server, or it broke before the answer was there."""

    code = "server_unreachable"
    title = "Server unreachable"


class UnexpectedAnswer(SeqserveError):
    """What came is not what the contract says: a proxy answers, or a server of another kind.

    Args:
        message: What came.
        answered: The status of the answer; 0 where it was none of an error.
    """

    code = "unexpected_answer"
    title = "Unexpected answer"

    def __init__(self, message: str, answered: int = 0) -> None:
        super().__init__(message)
        self.answered = answered


@dataclass(frozen=True)
class Reply:
    """A whole answer.

    Args:
        status: Of HTTP.
        headers: With names in lower case.
        body: As it is without content encodings.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def _family(kind: type[SeqserveError]) -> set[type[SeqserveError]]:
    return {kind}.union(*(_family(below) for below in kind.__subclasses__()))


BY_CODE: Mapping[str, type[SeqserveError]] = {
    kind.code: kind
    for kind in _family(InputError) | _family(UnavailableError) | {SeqserveError}
    if kind.__module__ == errors.__name__
}
_AGAIN = (429, 502, 503)
_INDEX = re.compile(r"\btext\[([0-9]+)\]")
_SHOWN = 200


def to_error(reply: Reply, request_id: str, first: int = 0) -> SeqserveError:
    """The exception that an answer stands for.

    Args:
        reply: Its status is no success.
        request_id: What was sent; an answer of ours says it again.
        first: Index of the request's first text among the caller's texts.
    """
    problem = _problem_of(reply)
    kind = BY_CODE.get(str(problem.get("code")))
    if kind is None:
        error: SeqserveError = UnexpectedAnswer(_describe(reply, problem), reply.status)
    else:
        detail, index = _shift(str(problem.get("detail", "")), first)
        error = kind(detail)
        error.text_index = index
    if isinstance(error, UnavailableError) and (wait_s := retry_after_s(reply)) is not None:
        error.retry_after_s = round(wait_s)
    error.request_id = reply.headers.get("x-request-id", request_id)
    return error


def is_worth_a_retry(error: SeqserveError) -> bool:
    """Whether the same request may succeed later: nothing was computed, or nobody got to know."""
    if isinstance(error, UnexpectedAnswer):
        return error.answered in _AGAIN
    return isinstance(error, UnavailableError) and not isinstance(error, DeadlineExceeded)


def retry_after_s(reply: Reply) -> float | None:
    """Seconds that the server asks to wait, if it does: `Retry-After`, as seconds or as a date."""
    value = reply.headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _problem_of(reply: Reply) -> Mapping[str, Any]:
    try:
        problem = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _shift(detail: str, first: int) -> tuple[str, int | None]:
    """The detail with `text[3]` counted in the caller's texts, and that number."""
    match = _INDEX.search(detail)
    if match is None:
        return detail, None
    index = first + int(match[1])
    return f"{detail[: match.start()]}text[{index}]{detail[match.end() :]}", index


def _describe(reply: Reply, problem: Mapping[str, Any]) -> str:
    if "code" in problem:
        says = f"code {str(problem['code'])[:_SHOWN]!a}, which this client does not know: "
        return f"{reply.status}, {says}{str(problem.get('detail', ''))[:_SHOWN]}"
    if 300 <= reply.status < 400:
        to = reply.headers.get("location", "nowhere")
        return f"{reply.status}, a redirect to {to}: give the client the address that answers."
    kind = reply.headers.get("content-type", "no content type")
    return f"{reply.status} with {kind}, which is no answer of seqserve: is the address right?"
