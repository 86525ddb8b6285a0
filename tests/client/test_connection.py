from __future__ import annotations

import math
import ssl
from typing import Any

import httpx
import pytest

from seqserve.client import AsyncClient, Client
from seqserve.client.connection import Address, broken, timeout
from seqserve.errors import ConfigError

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no scheme": ({"url": "localhost:3000"}, "must be like http://localhost:3000"),
    "no host": ({"url": "http://"}, "must be like"),
    "another scheme": ({"url": "ftp://host"}, "must be like"),
    "no address": ({"url": "http://host:port"}, "url 'http://host:port': Invalid port"),
    "a query": ({"url": "http://host/?a=b"}, "must end with the path"),
    "an empty key": ({"api_key": ""}, "api_key: must be printable ASCII"),
    "a key with a line break": ({"api_key": "secret\n"}, "api_key: must be"),
    "a key with an accent": ({"api_key": "sécret"}, "api_key: must be"),
    "no time": ({"timeout_s": 0}, "timeout_s is 0; it must be above 0"),
}


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_refused_at_once(
    client: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        client(**{"url": "http://host", **options})
    assert "cret" not in str(caught.value)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(Address("http://host", "secret"))


def test_timeouts_are_the_time_that_is_left_and_less_for_connecting() -> None:
    assert timeout(2.0) == httpx.Timeout(2.0)
    assert timeout(60.0) == httpx.Timeout(60.0, connect=5.0)
    assert timeout(math.inf) == httpx.Timeout(None, connect=5.0)


def refused_certificate() -> httpx.ConnectError:
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = OSError("wrapped")
    error.__cause__.__context__ = ssl.SSLCertVerificationError("self-signed")
    return error


BROKEN: dict[str, tuple[httpx.RequestError, bool, bool]] = {
    "refused": (httpx.ConnectError("refused"), False, False),
    "not connected in time": (httpx.ConnectTimeout("slow"), False, False),
    "hung up": (httpx.RemoteProtocolError("gone"), False, False),
    "reset": (httpx.ReadError(""), False, False),
    "nothing came": (httpx.ReadTimeout("slow"), True, False),
    "nothing went": (httpx.WriteTimeout("slow"), True, False),
    "no connection free": (httpx.PoolTimeout("slow"), True, False),
    "a wrong certificate": (refused_certificate(), False, True),
}


@pytest.mark.parametrize(("error", "is_late", "is_final"), BROKEN.values(), ids=BROKEN)
def test_why_there_was_no_answer(error: httpx.RequestError, is_late: bool, is_final: bool) -> None:
    error.request = httpx.Request("POST", "https://user:secret@a.example:8443/base/v1/ner")
    found = broken(error)
    assert (found.is_late, found.is_final) == (is_late, is_final)
    start = f"no answer from https://a.example:8443: {type(error).__name__}"
    assert found.reason.startswith(start) and not found.reason.endswith(": ")
