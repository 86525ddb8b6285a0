"""The errors of Azure AI Language: of a request, and of one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqserve.errors import InputError
from seqserve.records import TextError
from service.api.dialects.document import STRING, object_of
from service.http.problems import Problem

Json = dict[str, Any]

ERROR_SCHEMA: Json = object_of(
    {
        "error": object_of(
            {
                "code": STRING,
                "message": STRING,
                "innererror": object_of({"code": STRING, "message": STRING}),
            },
            optional=("innererror",),
        )
    }
)

_INVALID = "InvalidRequest"
_CODES: Mapping[int, str] = {
    401: "Unauthorized",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
"""The code of an error by its status; that of others is `InvalidRequest`, which the inner code specifies."""
_INNER_CODES: Mapping[str, str] = {
    "invalid_field": "InvalidParameterValue",
    "invalid_json": "InvalidRequestBodyFormat",
    "unsupported_media_type": "InvalidRequestBodyFormat",
    "too_many_texts": "InvalidDocumentBatch",
    "unknown_model": "ModelVersionIncorrect",
    "duplicate_id": "InvalidDocument",
}
"""By the code of the native API."""
_DOCUMENT_CODES: Mapping[str, str] = {
    "internal": "InternalServerError",
    "deadline_exceeded": "Timeout",
    "model_unavailable": "ServiceUnavailable",
}
"""The code of the error of one document; that of others is `InvalidArgument`, its own fault."""


class DuplicateId(InputError):
    """Two documents have the same id, so nobody could tell their results apart."""

    code = "duplicate_id"
    title = "Duplicate id"


def status_of(problem: Problem) -> int:
    """Return the status that the clients expect: a wrong key is a 401, and a faulty request a 400."""
    if problem.status == 422 or problem.code == "too_many_texts":
        return 400
    return 401 if problem.status == 403 else problem.status


def error_of(problem: Problem, message: str) -> Json:
    """Return the body of the response to an error."""
    code = _CODES.get(status_of(problem), _INVALID)
    if code != _INVALID:
        return {"error": {"code": code, "message": message}}
    inner = {"code": _INNER_CODES.get(problem.code, _INVALID), "message": message}
    return {"error": {"code": code, "message": "Invalid request.", "innererror": inner}}


def document_error(error: TextError) -> Json:
    """Return the error of one document."""
    message = "Document " + error.detail.removeprefix("text").lstrip(": ")
    if code := _DOCUMENT_CODES.get(error.code):
        return {"code": code, "message": message}
    is_language = error.code == "unsupported_language"
    inner = "UnsupportedLanguageCode" if is_language else "InvalidDocument"
    return {
        "code": "InvalidArgument",
        "message": "Invalid document in request.",
        "innererror": {"code": inner, "message": message},
    }
