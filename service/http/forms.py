"""The parameters of a request, wherever they are: in the query string, in a form, in a multipart form, in JSON.

The limits are those of `BodyReader`: the size of the body, and the number of its values.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import python_multipart
from python_multipart.exceptions import FormParserError
from starlette.requests import Request

from seqserve.errors import BodyTooLarge, InvalidJson, UnsupportedMediaType
from seqserve.strict_json import parse_json
from service.http.body import BodyReader
from service.http.context import context_of

FORM, MULTIPART, JSON = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
)

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every malformed body


@dataclass(frozen=True)
class Upload:
    """A file in a multipart form: its name, as the client calls it, and its content."""

    name: str
    content: bytes


async def read_values(bodies: BodyReader, request: Request) -> dict[str, Any]:
    """Read the parameters of a request by name; those of the body come before those of the query string.

    A name that occurs several times has a list. A body without a content type is read as JSON if it begins like
    an object, and as a form if not.

    Args:
        bodies: Reads the body.
        request: Its body has not been read.

    Raises:
        UnsupportedMediaType: The body is of another type, or as for `BodyReader.read`.
        InvalidJson: The body is malformed, or the JSON is no object.
        BodyTooLarge: As for `BodyReader.read`; or there are too many values.
        Overloaded: As for `BodyReader.read`.
    """
    query = _parse_form(request.scope["query_string"], bodies.max_values)
    headers = context_of(request).headers
    media_type = headers.get(b"content-type", b"").decode("latin-1")
    body = await bodies.read(
        request, headers, lambda content: parse_body(bytes(content), media_type, bodies.max_values)
    )
    return query | body


def parse_body(body: bytes, content_type: str, max_values: int) -> dict[str, Any]:
    """Parse a body by its content type; an empty one has no parameters.

    Raises:
        UnsupportedMediaType: It is none of JSON, form and multipart form.
        InvalidJson: It is malformed.
        BodyTooLarge: It has more values than the limit.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body or body.isspace():
        return {}
    if not kind:
        kind = JSON if body.lstrip()[:1] == b"{" else FORM
    if kind == JSON or kind.endswith("+json"):
        document = parse_json(body, max_values)
        if not isinstance(document, dict):
            raise InvalidJson("The body must be a JSON object.")
        return document
    if kind == FORM:
        return _parse_form(body, max_values)
    if kind == MULTIPART:
        return _parse_multipart(body, content_type, max_values)
    raise UnsupportedMediaType(f"Send JSON or a form: Content-Type: {JSON}, {FORM} or {MULTIPART}.")


def _parse_form(body: bytes, max_values: int) -> dict[str, Any]:
    if not body:
        return {}
    _check_count(body.count(b"&") + 1, max_values)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InvalidJson("The form is not UTF-8.") from None
    return _collect(pairs)


def _parse_multipart(body: bytes, content_type: str, max_values: int) -> dict[str, Any]:
    pairs: list[tuple[str, Any]] = []

    def on_field(field: python_multipart.multipart.Field) -> None:
        _check_count(len(pairs) + 1, max_values)
        pairs.append(((field.field_name or b"").decode(), (field.value or b"").decode()))

    def on_file(file: python_multipart.multipart.File) -> None:
        _check_count(len(pairs) + 1, max_values)
        file.file_object.seek(0)
        upload = Upload((file.file_name or b"").decode(), file.file_object.read())
        pairs.append(((file.field_name or b"").decode(), upload))
        file.close()

    if not body.rstrip().endswith(b"--"):
        raise InvalidJson("The multipart form stops before its end.")
    try:
        parser = python_multipart.create_form_parser(
            {"Content-Type": content_type.encode("latin-1")},
            on_field,
            on_file,
            config={"MAX_MEMORY_FILE_SIZE": len(body) + 1},  # never on disk
        )
        parser.write(body)
        parser.finalize()
        parser.close()
    except (FormParserError, UnicodeDecodeError):
        raise InvalidJson("The multipart form is malformed, or not UTF-8.") from None
    return _collect(pairs)


def _check_count(n_values: int, max_values: int) -> None:
    if n_values > max_values:
        raise BodyTooLarge(f"The form has more than {max_values} fields. Split the request.")


def _collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the values by name, and a list of those of a repeated name."""
    values: dict[str, Any] = {}
    repeated: set[str] = set()
    for name, value in pairs:
        if name not in values:
            values[name] = value
        elif name in repeated:
            values[name].append(value)
        else:
            values[name] = [values[name], value]
            repeated.add(name)
    return values
