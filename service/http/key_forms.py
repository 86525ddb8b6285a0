"""Where the clients of different APIs put the key of a request: in a header, in the query string, in the body.

A key form only reads the key. `Keyring` checks it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qs

Find: TypeAlias = Callable[[Mapping[bytes, bytes], bytes], bytes | None]

_MAX_PARAMETERS = 100
_CREDENTIAL = re.compile(rb"AWS4-HMAC-SHA256\s+(?:.*?[\s,])?Credential=([^/\s,]+)/", re.DOTALL)


@dataclass(frozen=True)
class KeyForm:
    """One way to send a key.

    Args:
        find: Takes the headers, by name in lower case, and the query string; returns the key or None.
        hint: How to send it, for the error of a request without a key.
        body_field: The field of the body that may have the key; empty if none may.
    """

    find: Find
    hint: str
    body_field: str = ""


def scheme(name: str) -> KeyForm:
    """Return the form `Authorization: NAME KEY`; the case of the name does not matter."""
    expected = name.lower().encode()

    def find(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
        given, _, key = headers.get(b"authorization", b"").partition(b" ")
        return key.strip() or None if given.lower() == expected else None

    return KeyForm(find, f"Authorization: {name} KEY")


def basic() -> KeyForm:
    """Return the form of a password: `Authorization: Basic`, with any user."""

    def find(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
        given, _, encoded = headers.get(b"authorization", b"").partition(b" ")
        if given.lower() != b"basic":
            return None
        try:
            return base64.b64decode(encoded, validate=True).partition(b":")[2] or None
        except ValueError:
            return None

    return KeyForm(find, "the key as the password (Authorization: Basic)")


def header(name: str) -> KeyForm:
    """Return the form of a header of its own."""
    key = name.lower().encode()

    def find(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
        return headers.get(key, b"").strip() or None

    return KeyForm(find, f"{name}: KEY")


def parameter(name: str, *, is_in_body: bool = False) -> KeyForm:
    """Return the form of a parameter of the query string, or also of a field of the body."""

    def find(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
        return query_value(query, name)

    return KeyForm(find, f"{name}=KEY", name if is_in_body else "")


def signature() -> KeyForm:
    """Return the form of AWS Signature Version 4: the access key id is the key.

    The signature is not verified: that would take the secret itself, and the server has only hashes of keys.
    """

    def find(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
        found = _CREDENTIAL.match(headers.get(b"authorization", b""))
        return found[1] if found else None

    return KeyForm(find, "the key as the access key id")


def first_of(*forms: KeyForm) -> KeyForm:
    """Return the form of several: the first key that one of them finds."""

    def find(headers: Mapping[bytes, bytes], query: bytes) -> bytes | None:
        return next((key for form in forms if (key := form.find(headers, query))), None)

    fields = [form.body_field for form in forms if form.body_field]
    return KeyForm(find, " or ".join(form.hint for form in forms), "".join(fields[:1]))


def query_value(query: bytes, name: str) -> bytes | None:
    """Return the last value of a parameter of the query string; None if there is none."""
    if name.encode() not in query:  # most requests have no query
        return None
    try:
        found = parse_qs(query.decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError:  # too many
        return None
    values = found.get(name)
    return values[-1].encode() if values else None


BEARER = scheme("Bearer")
