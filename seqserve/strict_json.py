"""Parse JSON strictly, at a bounded cost: what a document may contain is counted before objects are built.

Bodies of requests and lines of files are read by the same rules.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from typing import Any, NoReturn

from seqserve.encodings import BINARY, other_encoding
from seqserve.errors import BodyTooLarge, InvalidJson

MAX_DEPTH = 100
_HEAD_BYTES = 1024  # tell the encoding
_MARKS_OF_A_VALUE = 4  # at most: a comma, a key, and two brackets or a string

# A string as one mark, which may lack its end: then no other match begins inside of it.
_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]},]', re.DOTALL)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("an object has the same key twice")
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_reject_constant)


def parse_json(
    body: bytes | bytearray, max_values: float = math.inf, what: str = "The body"
) -> object:
    """Parse strict JSON: no NaN, no duplicate keys, no lone surrogates, no excessive nesting.

    Uses the parser of the standard library: orjson keeps the last of two equal keys and, on Python 3.13,
    overflows the stack on nested brackets.

    Args:
        body: In UTF-8; a byte order mark is ignored, which RFC 8259 allows.
        max_values: Limit of the values: strings, numbers, lists and objects, with all that are inside of them.
        what: The subject of the messages.

    Raises:
        InvalidJson: The message has the kind and the place of the fault, never the content.
        BodyTooLarge: There are more values than the limit.
    """
    if body.startswith(codecs.BOM_UTF8):
        body = body[len(codecs.BOM_UTF8) :]
    if not body or body.isspace():
        raise InvalidJson(f"{what} is empty; send a JSON object.")
    _check_structure(body, max_values, what)
    try:
        text = body.decode()
        document: object = _DECODER.decode(text)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise _fault(body, f"{what} is not UTF-8 at byte {error.start}", what) from None
    except UnicodeEncodeError:
        raise InvalidJson(f"{what} has half of a surrogate pair: no valid Unicode.") from None
    except json.JSONDecodeError as error:
        fault = error.msg.removesuffix(" starting at")
        raise _fault(body, f"{what} is not JSON at character {error.pos}: {fault}", what) from None
    except ValueError as error:
        raise InvalidJson(f"{what} is not JSON: {error}.") from None
    return document


def _fault(body: bytes | bytearray, fault: str, what: str) -> InvalidJson:
    """Return the error of a document that cannot be read; its encoding is a better reason than any other."""
    name = other_encoding(body[:_HEAD_BYTES])
    if name and name != BINARY:
        return InvalidJson(f"{what} is {name}; send JSON in UTF-8.")
    return InvalidJson(f"{fault}.")


def _check_structure(body: bytes | bytearray, max_values: float, what: str) -> None:
    """Refuse a document with too many values or too deep a nesting.

    An empty list of two bytes becomes an object of 56, so a body of 4 MiB could take a second to parse.
    """
    n_opened = body.count(b"[") + body.count(b"{")
    if n_opened + body.count(b",") < max_values and n_opened <= MAX_DEPTH:
        return  # even if none of these bytes is inside a string
    depth = n_values = 0
    for n_marks, mark in enumerate(_MARK.finditer(body)):
        if n_values > max_values or n_marks > _MARKS_OF_A_VALUE * max_values:
            raise BodyTooLarge(
                f"{what} has more than {max_values} JSON values. Split it into several requests."
            )
        byte = mark[0][0]
        n_values += byte in b"[{,"
        depth += (byte in b"[{") - (byte in b"]}")
        if depth > MAX_DEPTH:
            raise InvalidJson(f"{what} is nested too deeply.")
