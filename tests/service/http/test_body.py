"""Bodies: limits while reading, gzip, strict JSON."""

from __future__ import annotations

import asyncio
import codecs
import gzip
import json
import os
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from seqserve.errors import BodyTooLarge, InvalidJson
from seqserve.strict_json import MAX_DEPTH, parse_json
from service.http.body import LARGE_BYTES, BodyReader
from service.http.gunzip import MAX_RATIO, RATIO_FROM_BYTES, Gunzip, decompress
from tests.service.api.test_errors import expect
from tests.service.conftest import Server, serving

JSON = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}
BODY = b'{"text": "Ann"}'

VALID = [
    b'{"text": "a"}',
    b' {"text": ["\\ud83d\\ude00", "\\u00e9"]} ',
    '{"text": "返回 \\\\ud800"}'.encode(),
    b'{"a": {"b": [1, 2.5, -3e2, true, false, null]}}',
    b'"text"',
]


@pytest.mark.parametrize("body", VALID)
def test_a_byte_order_mark_is_ignored(body: bytes) -> None:
    assert parse_json(codecs.BOM_UTF8 + body, 100) == parse_json(body, 100)
    assert parse_json(bytearray(codecs.BOM_UTF8 + body), 100) == parse_json(body, 100)


@pytest.mark.parametrize("body", VALID)
def test_parse_json_agrees_with_the_standard_library(body: bytes) -> None:
    assert parse_json(body, 100) == json.loads(body)


def parts_of(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


async def chunks(content: bytes, size: int) -> AsyncIterator[bytes]:
    for part in parts_of(content, size):
        yield part


INVALID_JSON = [
    pytest.param(b"", "The body is empty; send a JSON object.", id="empty"),
    pytest.param(b" \r\n", "The body is empty", id="blank"),
    pytest.param(b'{"text": "a', "at character 9: Unterminated string.", id="half-a-string"),
    pytest.param(b"{", "character 1", id="broken"),
    pytest.param(b'{"text": "a"} x', "character 14", id="trailing"),
    pytest.param(b'{"text": "\xff"}', "not UTF-8 at byte 10", id="not-utf8"),
    pytest.param('{"text": "é"}'.encode("utf-16"), "is UTF-16; send JSON in UTF-8.", id="utf16"),
    pytest.param('{"text": "é"}'.encode("utf-16-le"), "is UTF-16-LE; send", id="utf16-unmarked"),
    pytest.param('{"text": "é"}'.encode("utf-16-be"), "is UTF-16-BE; send", id="utf16-be"),
    pytest.param('{"text": "a"}'.encode("utf-32"), "is UTF-32; send", id="utf32"),
    pytest.param('{"text": "a"}'.encode("utf-32-be"), "is UTF-32-BE; send", id="utf32-unmarked"),
    pytest.param(b"\xef\xbb\xbf", "The body is empty", id="only-a-mark"),
    pytest.param(b'\xef\xbb\xbf{"text": a}', "character 9", id="mark-and-fault"),
    pytest.param(b"\xef\xbb\xbf" * 2 + b'{"text": "a"}', "character 0", id="two-marks"),
    pytest.param(b'{"text": "\\ud800"}', "surrogate", id="lone-surrogate"),
    pytest.param(b'{"text": "\\uDC00 x"}', "surrogate", id="lone-low-surrogate"),
    pytest.param(b'{"\\ud800": "x"}', "surrogate", id="surrogate-in-a-key"),
    pytest.param(b'{"min_score": NaN, "text": "a"}', "NaN", id="nan"),
    pytest.param(b'{"min_score": -Infinity, "text": "a"}', "-Infinity", id="infinity"),
    pytest.param(b'{"text": "a", "text": "b"}', "same key twice", id="key-twice"),
    pytest.param(b"[" * 500_000, "too deeply", id="bottomless"),
    pytest.param(b'{"text":' * 100_000 + b"1" + b"}" * 100_000, "too deeply", id="deep"),
    pytest.param(b'{"text": ' + b"[" * 101 + b"]" * 101 + b"}", "too deeply", id="quite-deep"),
    pytest.param(b'{"min_score": ' + b"1" * 5000 + b"}", "4300 digits", id="huge-number"),
    pytest.param(b'{"text": "a\x01"}', "control character", id="control-character"),
]


FILL = {
    "empty lists": b"[]",
    "empty objects": b"{}",
    "nested lists": b"[[[[]]]]",
    "numbers": b"1",
    "words": b"null",
    "empty strings": b'""',
    "strings": b'"a,[{"',
    "objects": b'{"a":"b"}',
}


@pytest.mark.parametrize("name", FILL)
def test_values_are_counted_before_they_are_built(name: str) -> None:
    body = b'{"text": "a", "x": [' + b",".join([FILL[name]] * 400_000) + b"]}"
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge, match="more than 1000 JSON values"):
            parse_json(body, 1000)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps({"text": "a, [b] {c}" * 100_000}).encode(), id="marks-in-a-text"),
        pytest.param(json.dumps({"text": ['"\\"[,' * 1000] * 900}).encode(), id="escapes"),
        pytest.param(json.dumps({"text": [["a"] * 25] * 25}).encode(), id="lists"),
        pytest.param(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, id="as-deep-as-allowed"),
        pytest.param(b'{"text": "' + b"[" * 200 + b'"}', id="brackets-in-a-text"),
    ],
)
def test_what_only_looks_like_many_values_is_parsed(body: bytes) -> None:
    assert parse_json(body, 1000) == json.loads(body)


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "detail"), INVALID_JSON)
async def test_invalid_json(server: Server, body: bytes, detail: str) -> None:
    response = await server.client.post("/v1/ner", content=body, headers=JSON)
    expect(response, 400, "invalid_json", detail)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_unsupported_media_type(server: Server, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await server.client.post("/v1/ner", content=b'{"text": "a"}', headers=headers)
    expect(response, 415, "unsupported_media_type", "application/json")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"']
)
async def test_accepted_media_type(server: Server, content_type: str) -> None:
    headers = {"content-type": content_type}
    response = await server.client.post("/v1/ner", content=b'{"text": "a"}', headers=headers)
    assert response.status_code == 200


@pytest.mark.anyio
async def test_limit_of_plain_bodies(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_body_bytes=2000) as server:
        for content in (b"x" * 2001, chunks(b"x" * 3000, 1000)):
            response = await server.client.post("/v1/ner", content=content, headers=JSON)
            expect(response, 413, "body_too_large", "SEQSERVE_MAX_BODY_BYTES")
        fitting = chunks(BODY.ljust(2000), 7)
        response = await server.client.post("/v1/ner", content=fitting, headers=JSON)
        assert response.status_code == 200


MEMBERS = gzip.compress(BODY[:5]) + gzip.compress(b"") + gzip.compress(BODY[5:])
ACCEPTED = [
    pytest.param("gzip", gzip.compress(BODY), id="gzip"),
    pytest.param(" GZip ", gzip.compress(BODY), id="case"),
    pytest.param("x-gzip", gzip.compress(BODY), id="x-gzip"),
    pytest.param("gzip", MEMBERS, id="members"),
    pytest.param("deflate", zlib.compress(BODY), id="deflate"),
    pytest.param("identity", BODY, id="identity"),
    pytest.param("", BODY, id="empty"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 10, 1000])
@pytest.mark.parametrize(("encoding", "content"), ACCEPTED)
async def test_accepted_encodings(server: Server, encoding: str, content: bytes, size: int) -> None:
    headers = {**JSON, "content-encoding": encoding}
    body = chunks(content, size)
    response = await server.client.post("/v1/ner", content=body, headers=headers)
    assert response.json()["results"][0]["entities"][0]["text"] == "Ann"


REFUSED = ["br", "deflate, gzip", "zstd", "gzip, gzip", "gzip, identity", "compress", "gzip;q=1"]


@pytest.mark.anyio
@pytest.mark.parametrize("encoding", REFUSED)
async def test_other_encodings_are_refused(server: Server, encoding: str) -> None:
    headers = {**JSON, "content-encoding": encoding}
    response = await server.client.post("/v1/ner", content=BODY, headers=headers)
    expect(response, 415, "unsupported_media_type", "with gzip or deflate, once")
    assert response.headers["accept-encoding"] == "gzip"


@pytest.mark.anyio
async def test_two_header_lines_are_two_encodings(server: Server) -> None:
    headers = httpx.Headers([*GZIP.items(), ("content-encoding", "gzip")])
    twice = gzip.compress(gzip.compress(BODY))
    response = await server.client.post("/v1/ner", content=twice, headers=headers)
    expect(response, 415, "unsupported_media_type", "with gzip or deflate, once")


WHOLE = gzip.compress(BODY)
DAMAGED: list[Any] = [
    pytest.param(b"", "stops before its end", id="empty"),
    pytest.param(WHOLE[:-1], "stops before its end", id="cut-check-sum"),
    pytest.param(WHOLE[:8], "stops before its end", id="cut-header"),
    pytest.param(WHOLE + WHOLE[:12], "stops before its end", id="cut-second-member"),
    pytest.param(BODY, "not gzip", id="plain"),
    pytest.param(zlib.compress(BODY), "not gzip", id="zlib"),
    pytest.param(WHOLE + b"rubbish", "not gzip", id="rubbish-behind"),
    pytest.param(WHOLE + b"\0" * 12, "not gzip", id="zeros-behind"),
    pytest.param(WHOLE[:-8] + b"\0" * 8, "not gzip", id="wrong-check-sum"),
    pytest.param(WHOLE * 300, "more than 256 members", id="many-members"),
    pytest.param(gzip.compress(b""), "The body is empty", id="empty-inside"),
    pytest.param(gzip.compress(WHOLE), "not UTF-8", id="gzip-inside"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 1_000_000])
@pytest.mark.parametrize(("content", "detail"), DAMAGED)
async def test_damaged_gzip(server: Server, content: bytes, detail: str, size: int) -> None:
    body = chunks(content, size)
    response = await server.client.post("/v1/ner", content=body, headers=GZIP)
    expect(response, 400, "invalid_json", detail)


@pytest.mark.anyio
async def test_limits_of_gzip_bodies(bundles_dir: Path) -> None:
    async with serving(bundles_dir, max_body_bytes=2000) as server:
        full = BODY.ljust(2000)
        for size in (1, 5000):
            fits = chunks(gzip.compress(full), size)
            response = await server.client.post("/v1/ner", content=fits, headers=GZIP)
            assert response.status_code == 200
            over = chunks(gzip.compress(full + b" "), size)
            response = await server.client.post("/v1/ner", content=over, headers=GZIP)
            expect(response, 413, "body_too_large", "2000 bytes after decompression")
        dense = gzip.compress(os.urandom(3000))
        for content in (dense, chunks(dense, 100)):
            response = await server.client.post("/v1/ner", content=content, headers=GZIP)
            expect(response, 413, "body_too_large")


@pytest.mark.parametrize("size", [65_536, 10**9])
def test_a_bomb_costs_no_more_than_the_limit(size: int) -> None:
    limit = 1_000_000
    bomb = gzip.compress(bytes(200_000_000))
    gunzip = Gunzip(limit)
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            for part in parts_of(bomb, size):
                gunzip.feed(part)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * limit


def test_a_small_stream_stays_small() -> None:
    fits = gzip.compress(bytes(RATIO_FROM_BYTES))
    assert len(decompress(fits, 10**9)) == RATIO_FROM_BYTES
    for bomb in (gzip.compress(bytes(2 * RATIO_FROM_BYTES)), gzip.compress(bytes(10**5)) * 200):
        with pytest.raises(BodyTooLarge, match=f"more than {MAX_RATIO} times as large"):
            decompress(bomb, 10**9)


def test_members_of_nothing_end_early() -> None:
    gunzip = Gunzip(1000)
    with pytest.raises(InvalidJson, match="members"):
        gunzip.feed(gzip.compress(b"") * 100_000)


def test_inflating_gives_what_gzip_gives() -> None:
    text = os.urandom(5000) + bytes(5000)
    gunzip = Gunzip(10_000)
    for part in parts_of(gzip.compress(text), 777):
        gunzip.feed(part)
    assert gunzip.finish() == text


def request_of(body: bytes, headers: dict[str, str], size: int = 65_536) -> Request:
    """Return a request whose body comes in chunks, one per iteration of the event loop."""
    parts = [*parts_of(body, size)]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw}, receive)


LARGE = json.dumps({"text": [os.urandom(300).hex() for _ in range(4000)]}).encode()


@pytest.mark.anyio
@pytest.mark.parametrize("is_gzip", [False, True], ids=["plain", "gzip"])
async def test_large_bodies_take_turns(is_gzip: bool) -> None:
    """Whatever else waits for the event loop comes between any two of them."""
    bodies = BodyReader(2 * len(LARGE), 10_000)
    content, headers = (gzip.compress(LARGE, 1), GZIP) if is_gzip else (LARGE, JSON)
    n_parsed = 0
    between: list[int] = []

    async def read() -> None:
        nonlocal n_parsed
        assert await bodies.read_json(request_of(content, headers)) == json.loads(LARGE)
        n_parsed += 1

    async def others() -> None:
        while n_parsed < 20:
            before = n_parsed
            await asyncio.sleep(0)
            between.append(n_parsed - before)

    await asyncio.gather(others(), *(read() for _ in range(20)))
    assert max(between) == 1


@pytest.mark.anyio
async def test_bodies_that_wait_to_be_parsed_stay_compressed() -> None:
    """Each of them is small as it comes, so that it does not count as held, and large after decompression."""
    content = json.dumps({"text": os.urandom(5000).hex()}).encode() + b" " * 900_000
    compressed = gzip.compress(content)
    assert len(compressed) < LARGE_BYTES
    bodies = BodyReader(2 * len(content), 10_000)
    tracemalloc.start()
    try:
        await asyncio.gather(*(bodies.read_json(request_of(compressed, GZIP)) for _ in range(50)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(content)
