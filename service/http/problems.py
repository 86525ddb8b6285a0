"""Errors as responses: what of an exception is public, and the default body, `application/problem+json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from seqserve.errors import (
    INTERNAL_SENTENCE,
    DeadlineExceeded,
    InputError,
    MethodNotAllowed,
    MissingKey,
    NotFound,
    SeqserveError,
    TextFailed,
    UnavailableError,
    UnsupportedMediaType,
)
from service.http.context import RequestContext
from service.telemetry.logs import failure_fields, get_logger


@dataclass(frozen=True)
class Problem:
    """The public part of an error.

    Args:
        title: One or two words for the kind of error.
        status: Of the response.
        code: Stable and machine-readable.
        detail: What is wrong and what to do about it.
        request_id: Of the request that failed.
        headers: Of the response, such as `Retry-After`.
    """

    title: str
    status: int
    code: str
    detail: str
    request_id: str
    headers: Mapping[str, str]


ProblemWriter: TypeAlias = Callable[[Problem], Response]


def problem_of(error: Exception, context: RequestContext) -> Problem:
    """Return the public part of an exception, and log one that hides something."""
    known = _known_error(error) or SeqserveError()
    is_public = isinstance(known, (InputError, UnavailableError, TextFailed))
    if not is_public:
        get_logger().error(
            "failure", request_id=context.request_id, route=context.route, **failure_fields(error)
        )
    detail = str(known) if is_public else INTERNAL_SENTENCE
    headers = _headers(error, known)
    return Problem(known.title, known.status, known.code, detail, context.request_id, headers)


def write_problem(problem: Problem) -> Response:
    """Return the response of RFC 9457."""
    content = orjson.dumps(problem_document(problem))
    return Response(content, problem.status, problem.headers, "application/problem+json")


def problem_document(problem: Problem) -> dict[str, str | int]:
    """Return the document of RFC 9457."""
    return {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": problem.request_id,
    }


def _known_error(error: Exception) -> SeqserveError | None:
    """Return the error of our tree that means the same, or None if there is none."""
    if isinstance(error, SeqserveError):
        return error
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
        return NotFound("No such route; /docs lists all routes.")
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(f"This route allows: {allowed}.")
    return None


def _headers(error: Exception, known: SeqserveError) -> Mapping[str, str]:
    """Return the headers that tell a client what to do about an error."""
    if isinstance(error, HTTPException):
        return dict(error.headers or {})
    if isinstance(known, MissingKey):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(known, UnsupportedMediaType):
        return {"Accept-Encoding": "gzip"}
    if isinstance(known, UnavailableError) and not isinstance(known, DeadlineExceeded):
        return {"Retry-After": str(known.retry_after_s)}
    return {}
