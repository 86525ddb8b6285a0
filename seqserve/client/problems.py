"""Turn a response that is not a success into an exception of the error tree.

The codes of the server and the classes of seqserve/errors.py correspond, so a caller catches the class that
the server raised. Two classes here cover everything that is not a response of the server.
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
from seqserve.records import TextError


class ServerUnreachable(UnavailableError):
    """There is no connection to the server, or it broke before the response was complete."""

    code = "server_unreachable"
    title = "Server unreachable"


class UnexpectedAnswer(SeqserveError):
    """The response does not follow the API: a proxy answers, or another kind of server.

    Args:
        message: What is wrong with the response.
        answered: Its status; 0 if that is a success.
    """

    code = "unexpected_answer"
    title = "Unexpected answer"

    def __init__(self, message: str, answered: int = 0) -> None:
        super().__init__(message)
        self.answered = answered


@dataclass(frozen=True)
class Reply:
    """A complete response.

    Args:
        status: The HTTP status.
        headers: With names in lower case.
        body: Without content encodings.
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
    """Return the exception for a response.

    Args:
        reply: A response whose status is not a success.
        request_id: As sent; a response of the server repeats it.
        first: Index of the first text of the request among the texts of the caller.
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


def error_of_text(error: TextError, index: int) -> SeqserveError:
    """Return the exception for a text that has an error instead of a result.

    Args:
        error: What stands at the place of the result.
        index: Of the text among the texts of the caller.
    """
    fault = error.detail.removeprefix("text: ").removeprefix("text ")
    exception = BY_CODE.get(error.code, SeqserveError)(f"text[{index}]: {fault}")
    exception.text_index = index
    return exception


def is_worth_a_retry(error: SeqserveError) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, UnexpectedAnswer):
        return error.answered in _AGAIN
    return isinstance(error, UnavailableError) and not isinstance(error, DeadlineExceeded)


def retry_after_s(reply: Reply) -> float | None:
    """Return the seconds of `Retry-After`, which may be a number or a date; None without the header."""
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
    """Return the detail with `text[i]` counted among the texts of the caller, and that index."""
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
        return f"{reply.status}, a redirect to {to}: use the address of the server itself."
    kind = reply.headers.get("content-type", "no content type")
    return f"{reply.status} with {kind}, which is not a response of seqserve: is the address right?"
