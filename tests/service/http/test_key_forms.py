"""Where the clients of different APIs put their keys."""

from __future__ import annotations

import pytest

from service.http.key_forms import (
    BEARER,
    KeyForm,
    first_of,
    header,
    parameter,
    query_value,
    scheme,
    signature,
)

SIGNED = (
    b"AWS4-HMAC-SHA256 Credential=abc_-1/20260101/us-east-1/comprehend/aws4_request, "
    b"SignedHeaders=host, Signature=00"
)
CASES: dict[str, tuple[KeyForm, dict[bytes, bytes], bytes, bytes | None]] = {
    "bearer": (BEARER, {b"authorization": b"Bearer abc"}, b"", b"abc"),
    "bearer in any case": (BEARER, {b"authorization": b"bEARER   abc "}, b"", b"abc"),
    "another scheme": (BEARER, {b"authorization": b"Basic abc"}, b"", None),
    "a key without a scheme": (BEARER, {b"authorization": b"abc"}, b"", None),
    "a scheme without a key": (BEARER, {b"authorization": b"Bearer "}, b"", None),
    "nothing": (BEARER, {}, b"key=abc", None),
    "a scheme": (
        scheme("DeepL-Auth-Key"),
        {b"authorization": b"DeepL-Auth-Key a:fx"},
        b"",
        b"a:fx",
    ),
    "a header": (
        header("Ocp-Apim-Subscription-Key"),
        {b"ocp-apim-subscription-key": b" k "},
        b"",
        b"k",
    ),
    "an empty header": (header("X-API-Key"), {b"x-api-key": b" "}, b"", None),
    "a parameter": (parameter("api_key"), {}, b"q=a&api_key=a%2Bb", b"a+b"),
    "the last of two": (parameter("key"), {}, b"key=a&key=b", b"b"),
    "a parameter of a similar name": (parameter("key"), {}, b"api_key=a", None),
    "too many parameters": (parameter("key"), {}, b"a=1&" * 100 + b"key=b", None),
    "a signature": (signature(), {b"authorization": SIGNED}, b"", b"abc_-1"),
    "a signature in another order": (
        signature(),
        {b"authorization": b"AWS4-HMAC-SHA256 SignedHeaders=host,Credential=k/1/r/s/aws4_request"},
        b"",
        b"k",
    ),
    "no signature": (signature(), {b"authorization": b"Bearer Credential=k/1"}, b"", None),
    "the first of several": (
        first_of(scheme("Bearer"), parameter("key")),
        {b"authorization": b"Bearer a"},
        b"key=b",
        b"a",
    ),
    "the second of several": (first_of(BEARER, parameter("key")), {}, b"key=b", b"b"),
}


@pytest.mark.parametrize("name", CASES)
def test_forms(name: str) -> None:
    form, headers, query, key = CASES[name]
    assert form.find(headers, query) == key


def test_a_form_in_the_body_is_announced() -> None:
    form = first_of(BEARER, parameter("api_key", is_in_body=True))
    assert form.body_field == "api_key"
    assert form.hint == "Authorization: Bearer KEY or api_key=KEY"
    assert parameter("key").body_field == ""


def test_a_value_of_the_query() -> None:
    assert query_value(b"type=target", "type") == b"target"
    assert query_value(b"type=", "type") is None
