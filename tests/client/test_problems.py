"""The exceptions for every status and code of docs/api.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from seqserve import errors
from seqserve.client.problems import (
    BY_CODE,
    Reply,
    ServerUnreachable,
    UnexpectedAnswer,
    is_worth_a_retry,
    retry_after_s,
    to_error,
)
from seqserve.errors import SeqserveError
from tests.service.api.contract import documented_errors

# code: its class, and whether the client retries
TABLE: dict[str, tuple[type[SeqserveError], bool]] = {
    "invalid_json": (errors.InvalidJson, False),
    "missing_key": (errors.MissingKey, False),
    "unknown_key": (errors.UnknownKey, False),
    "not_found": (errors.NotFound, False),
    "method_not_allowed": (errors.MethodNotAllowed, False),
    "body_too_large": (errors.BodyTooLarge, False),
    "text_too_long": (errors.TextTooLong, False),
    "too_many_texts": (errors.TooManyTexts, False),
    "host_not_allowed": (errors.HostNotAllowed, False),
    "unsupported_media_type": (errors.UnsupportedMediaType, False),
    "invalid_field": (errors.InputError, False),
    "unknown_model": (errors.UnknownModel, False),
    "unsupported_language_pair": (errors.UnsupportedLanguagePair, False),
    "overloaded": (errors.Overloaded, True),
    "rate_limited": (errors.RateLimited, True),
    "not_ready": (errors.NotReady, True),
    "draining": (errors.Draining, True),
    "model_unavailable": (errors.UnavailableError, True),
    "deadline_exceeded": (errors.DeadlineExceeded, False),
    "internal": (errors.SeqserveError, False),
}


def reply(status: int, code: str, detail: str = "Because.", **headers: str) -> Reply:
    body = json.dumps({"code": code, "detail": detail}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, body)


def test_the_table_has_every_code_of_the_contract() -> None:
    documented = documented_errors()
    assert set(TABLE) == set(BY_CODE) == {code for _, code in documented}
    assert {(kind.status, code) for code, (kind, _) in TABLE.items()} == documented


@pytest.mark.parametrize("code", TABLE)
def test_a_code_becomes_its_class(code: str) -> None:
    kind, is_retried = TABLE[code]
    error = to_error(reply(kind.status, code, "Text 3.", x_request_id="abc"), "mine")
    assert type(error) is kind and error.code == code
    assert str(error) == "Text 3." and error.request_id == "abc" and error.text_index is None
    assert is_worth_a_retry(error) == is_retried


def test_the_request_id_is_the_one_that_was_sent_where_the_answer_has_none() -> None:
    assert to_error(reply(500, "internal"), "mine").request_id == "mine"


def test_retry_after_is_told() -> None:
    error = to_error(reply(429, "rate_limited", retry_after="17"), "")
    assert isinstance(error, errors.RateLimited) and error.retry_after_s == 17


INDICES = {
    "in front": ("text[3] has 9 characters.", 64, "text[67] has 9 characters.", 67),
    "not in front": ("See text[0]: no.", 5, "See text[5]: no.", 5),
    "of the first request": ("text[3] is empty.", 0, "text[3] is empty.", 3),
    "none": ("text: must be a string.", 64, "text: must be a string.", None),
    "of a longer word": ("context[1] is wrong.", 64, "context[1] is wrong.", None),
}


@pytest.mark.parametrize(("detail", "first", "expected", "index"), INDICES.values(), ids=INDICES)
def test_an_index_counts_the_callers_texts(
    detail: str, first: int, expected: str, index: int | None
) -> None:
    error = to_error(reply(422, "invalid_field", detail), "", first)
    assert (str(error), error.text_index) == (expected, index)


HTML = {"content-type": "text/html"}
STRANGE = {
    "a proxy": (
        Reply(502, HTML, b"<html>"),
        "502 with text/html, which is not a response of",
        True,
    ),
    "a proxy that is full": (Reply(503, HTML, b""), "503 with text/html", True),
    "a proxy's limit": (Reply(429, {}, b""), "429 with no content type", True),
    "a proxy's time-out": (Reply(504, HTML, b""), "504 with text/html", False),
    "another service": (Reply(404, HTML, b"[]"), "is the address right", False),
    "a redirect": (Reply(301, {"location": "https://x/"}, b""), "a redirect to https://x/", False),
    "nothing to read": (Reply(204, {}, b""), "204 with", False),
    "too deep": (Reply(500, HTML, b"[" * 100_000), "500 with text/html", False),
    "no UTF-8": (Reply(500, HTML, b"\xff"), "500 with text/html", False),
    "a newer server": (reply(418, "teapot", "Short."), "418, code 'teapot', which this", False),
    "a newer reason to wait": (reply(503, "asleep", "Shh."), "does not know: Shh", True),
    "a code that is none": (Reply(400, {}, b'{"code": ["a"]}'), "which this client", False),
}


@pytest.mark.parametrize(("answer", "message", "is_retried"), STRANGE.values(), ids=STRANGE)
def test_what_is_not_of_the_contract(answer: Reply, message: str, is_retried: bool) -> None:
    error = to_error(answer, "mine")
    assert isinstance(error, UnexpectedAnswer) and error.answered == answer.status
    assert message in str(error) and error.request_id == "mine"
    assert is_worth_a_retry(error) == is_retried


def test_what_a_stranger_says_is_cut() -> None:
    assert len(str(to_error(reply(418, "c" * 10**6, "d" * 10**6), ""))) < 500


def test_no_connection_is_worth_a_retry() -> None:
    assert is_worth_a_retry(ServerUnreachable("ConnectError"))


WAITS = {
    "seconds": ("7", 7.0),
    "none": ("0", 0.0),
    "with spaces": (" 7 ", 7.0),
    "nothing": ("", None),
    "negative": ("-1", None),
    "words": ("soon", None),
    "a past date": ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    "no such date": ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    "digits of another script": ("٣", None),
}


@pytest.mark.parametrize(("value", "expected"), WAITS.values(), ids=WAITS)
def test_retry_after(value: str, expected: float | None) -> None:
    assert retry_after_s(Reply(503, {"retry-after": value}, b"")) == expected


def test_retry_after_as_a_date_to_come() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    found = retry_after_s(Reply(503, {"retry-after": date}, b""))
    assert found is not None and 25 < found <= 30
