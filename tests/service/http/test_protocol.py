"""Malformed requests on a real socket: a status below 500 or a closed connection, and no hang."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from service.http import timed_connection
from service.http.one_write import OneWrite
from service.http.protocol import MAX_HEAD_BYTES
from service.http.timed_connection import HEAD_S
from tests import fakes
from tests.service.http.listening import listening
from tests.serving import FAKES, Serve, peak_mb, running_server

IDLE_S = 0.2
MAX_MB = 200  # measured: 133
JSON = b'{"text": "a"}'
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PLAIN = b"Invalid HTTP request received."
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def get(
    path: bytes = b"/livez", extra: bytes = b"", *, method: bytes = b"GET", version: bytes = b"1.1"
) -> bytes:
    return method + b" " + path + b" HTTP/" + version + b"\r\nHost: x\r\n" + extra + b"\r\n"


def post(extra: bytes = b"", body: bytes = JSON, *, length: bytes | None = None) -> bytes:
    """Return a prediction request; `length=b""` omits Content-Length."""
    if length is None:
        length = b"Content-Length: %d\r\n" % len(body)
    head = b"POST /v1/ner HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return head + length + extra + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return post(CHUNKED, body, length=b"")


NO_HTTP: dict[str, bytes] = {
    "words": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "every byte": bytes(range(256)) * 4,
    "an unknown method": get(method=b"BREW"),
    "a method in lower case": get(method=b"get"),
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": get(version=b"9.9"),
    "two lengths": post(b"Content-Length: 3\r\n"),
    "the same length twice": post(b"Content-Length: 13\r\n"),
    "a length and chunks": post(CHUNKED),
    "a negative length": post(length=b"Content-Length: -1\r\n"),
    "a length with a sign": post(length=b"Content-Length: +13\r\n"),
    "a length in words": post(length=b"Content-Length: x\r\n"),
    "a length beyond 64 bits": post(length=b"Content-Length: 99999999999999999999\r\n"),
    "NUL in a header": get(extra=b"X: a\x00b\r\n"),
    "a folded header": get(extra=b"X: a\r\n b\r\n"),
    "a space before the colon": get(extra=b"X : a\r\n"),
    "a header without a colon": get(extra=b"nonsense\r\n"),
    "a header without a name": get(extra=b": x\r\n"),
    "a bare CR": get(extra=b"X-Request-ID: a\rb\r\n"),
    "bare LFs": get().replace(b"\r\n", b"\n"),
    "bytes in the path": get("/é".encode()),
    "a URL without a path": get(b"http://elsewhere"),
    "CONNECT": get(b"elsewhere:80", method=b"CONNECT"),
    "a chunk without a size": chunked(b"zz\r\n" + JSON + b"\r\n0\r\n\r\n"),
    "a chunk beyond 64 bits": chunked(b"ffffffffffffffffff\r\n" + JSON),
    "a negative chunk": chunked(b"-5\r\n" + JSON),
    "a chunk longer than it says": chunked(b"5\r\n" + JSON + b"\r\n0\r\n\r\n"),
    "another transfer encoding": post(b"Transfer-Encoding: gzip\r\n", length=b""),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked\r\n", length=b""),
    "nearly chunked": post(b"Transfer-Encoding: xchunked\r\n"),
}
LARGE: dict[str, bytes] = {
    "a header of 100 KB": get(extra=b"X: " + b"a" * 100_000 + b"\r\n"),
    "10,000 headers": get(extra=b"".join(b"X%d: a\r\n" % i for i in range(10_000))),
    "a path of 100 KB": get(b"/" + b"a" * 100_000),
    "a query of 100 KB": get(b"/livez?" + b"a" * 100_000),
}
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a header": (b"GET /livez HTTP/1.1\r\nX: ", b"a" * 10_000),
    "headers": (b"GET /livez HTTP/1.1\r\n", b"X: a\r\n" * 2_000),
    "a path": (b"GET /", b"a" * 10_000),
    "blank lines": (b"", b"\r\n" * 5_000),
    "a header behind a request": (get() + b"GET / HTTP/1.1\r\nX: ", b"a" * 10_000),
    "trailers": (chunked(b"d\r\n" + JSON + b"\r\n0\r\n"), b"X: a\r\n" * 2_000),
    "a trailer": (chunked(b"d\r\n" + JSON + b"\r\n0\r\nX: "), b"a" * 10_000),
    "a chunk's extension": (chunked(b"d;"), b"x" * 10_000),
    "digits of a chunk's size": (chunked(b""), b"0" * 10_000),
}
BEHIND: dict[str, bytes] = {
    "rubbish": b"rubbish\r\n\r\n",
    "two lengths": post(b"Content-Length: 3\r\n"),
    "a chunk without a size": chunked(b"zz\r\n" + JSON + b"\r\n0\r\n\r\n"),
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
}
ODD: dict[str, tuple[bytes, list[int]]] = {
    "no version": (b"GET /livez\r\nHost: x\r\n\r\n", [200]),
    "no host in HTTP/1.0": (b"GET /livez HTTP/1.0\r\n\r\n", [200]),
    "a length of 10^18": (post(length=b"Content-Length: 999999999999999999\r\n"), [413]),
    "a header in Latin-1": (get(extra=b"X-Request-ID: \xe9\r\n"), [200]),
    "a deadline that is no number": (post(b"X-Timeout-Ms: \xff\r\n"), [422]),
    "a byte order mark": (post(body=b"\xef\xbb\xbf" + JSON), [200]),
    "UTF-16": (post(body=JSON.decode().encode("utf-16")), [400]),
    "blanks around a deadline": (post(b"X-Timeout-Ms:  5000 \r\n"), [200]),
    "tabs around a deadline": (post(b"X-Timeout-Ms:\t5000\t \t\r\n"), [200]),
    "no blank before a deadline": (post(b"X-Timeout-Ms:5000 \r\n"), [200]),
    "blanks inside a deadline": (post(b"X-Timeout-Ms: 50 00\r\n"), [422]),
    "only blanks as a deadline": (post(b"X-Timeout-Ms:   \r\n"), [422]),
    "a sign before a deadline": (post(b"X-Timeout-Ms: +5000\r\n"), [422]),
    "blanks behind an encoding": (post(b"Content-Encoding: identity \r\n"), [200]),
    "blanks behind a length": (post(length=b"Content-Length: 13 \r\n"), [200]),
    "a header of 60 KB": (get(extra=b"X: " + b"a" * 60_000 + b"\r\n"), [200]),
    "an absolute URL": (get(b"http://elsewhere/livez"), [200]),
    "a fragment": (get(b"/livez#x"), [200]),
    "OPTIONS *": (get(b"*", method=b"OPTIONS"), [404]),
    "a path in percent": (get(b"/%6civez"), [200]),
    "NUL in percent": (get(b"/livez%00"), [404]),
    "bad percent": (get(b"/%zz%"), [404]),
    "no UTF-8 in percent": (get(b"/%ff%fe"), [404]),
    "two slashes": (get(b"//livez"), [404]),
    "two slashes inside": (get(b"/v1//ner"), [404]),
    "up and away": (get(b"/docs/assets/../../../../../../../etc/passwd"), [404]),
    "up and away in percent": (get(b"/docs/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), [404]),
    "slashes in percent": (get(b"/docs/assets%2f..%2f..%2findex.html"), [404]),
    "NUL in an asset": (get(b"/docs/assets/a%00b"), [404]),
    "a long asset": (get(b"/docs/assets/" + b"a" * 5_000), [404]),
    "the assets' directory": (get(b"/docs/assets/"), [404]),
    "HTTP/1.0": (get(version=b"1.0"), [200]),
    "HTTP/1.0 that stays": (get(version=b"1.0", extra=b"Connection: keep-alive\r\n"), [200]),
    "HEAD": (get(method=b"HEAD"), [200]),
    "HEAD of a prediction": (get(b"/v1/ner", method=b"HEAD"), [405]),
    "TRACE": (get(method=b"TRACE"), [405]),
    "PROPFIND": (get(b"/v1/ner", method=b"PROPFIND"), [405]),
    "GET with a body": (get(extra=b"Content-Length: 5\r\n") + b"hello", [200]),
    "100-continue": (post(b"Expect: 100-continue\r\n"), [100, 200]),
    "100-continue, too large": (
        post(b"Expect: 100-continue\r\n", b"", length=b"Content-Length: 9000000\r\n"),
        [413],
    ),
    "another expectation": (post(b"Expect: 200-maybe\r\n"), [200]),
    "chunks": (chunked(b"d\r\n" + JSON + b"\r\n0\r\n\r\n"), [200]),
    "a chunk with an extension": (
        chunked(b"d;" + b"x" * 9_000 + b"\r\n" + JSON + b"\r\n0\r\n\r\n"),
        [200],
    ),
    "a trailer": (chunked(b"d\r\n" + JSON + b"\r\n0\r\nX-Late: 1\r\n\r\n"), [200]),
    "a body of 300 KB": (post(body=JSON.ljust(300_000)), [200]),
    "chunks of 300 KB": (chunked(b"493e0\r\n" + JSON.ljust(300_000) + b"\r\n0\r\n\r\n"), [200]),
    "three at once": (post() * 3, [200] * 3),
    "a thousand at once": (get() * 1000, [200] * 1000),
    "a WebSocket": (get(b"/v1/ner", WEBSOCKET), [405]),
    "half a WebSocket": (get(extra=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), [200]),
    "a WebSocket that posts": (post(WEBSOCKET), [200]),
    "h2c": (
        get(
            extra=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"
        ),
        [200],
    ),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    directory = tmp_path_factory.mktemp("protocol")
    bundles = fakes.write_bundles(directory / "bundles")
    with running_server(directory, bundles, SEQSERVE_TOPOLOGY="embedded", **FAKES) as serve:
        yield serve


@pytest.fixture(autouse=True)
def lives_on(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "served" in request.fixturenames:
        assert request.getfixturevalue("served").post("/v1/ner", "Ann").status_code == 200


def connect(served: Serve) -> socket.socket:
    host, port = served.base.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def read(sock: socket.socket) -> tuple[bytes, bool]:
    """Return the data received until a pause, and whether the connection was closed."""
    sock.settimeout(IDLE_S)
    received = b""
    try:
        while part := sock.recv(1 << 20):
            received += part
    except TimeoutError:
        return received, False
    except ConnectionResetError:
        pass
    return received, True


def context(served: Serve, raw: bytes) -> tuple[list[int], bytes, bool]:
    """Return the statuses, the body of the last response, and whether the connection was closed."""
    with connect(served) as sock:
        sock.sendall(raw)
        received, is_closed = read(sock)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]
    return statuses, received.rpartition(b"\r\n\r\n")[2], is_closed


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_is_refused(served: Serve, name: str) -> None:
    statuses, body, is_closed = context(served, NO_HTTP[name])
    assert (statuses[-1], body, is_closed) == (400, PLAIN, True)
    assert len(statuses) == 1


@pytest.mark.parametrize("name", BEHIND)
def test_what_is_no_http_does_not_answer_the_requests_before_it(served: Serve, name: str) -> None:
    statuses, _, is_closed = context(served, post() + get() + BEHIND[name])
    assert (statuses, is_closed) == ([200, 200, 400], True)


def test_a_body_without_a_length_is_the_next_request(served: Serve) -> None:
    statuses, body, is_closed = context(served, post(length=b""))
    assert (statuses, body, is_closed) == ([400, 400], PLAIN, True)


@pytest.mark.parametrize("name", LARGE)
def test_a_head_that_is_too_large(served: Serve, name: str) -> None:
    statuses, body, is_closed = context(served, LARGE[name])
    assert (statuses, is_closed) == ([431], True)
    assert str(MAX_HEAD_BYTES).encode() in body


@pytest.mark.parametrize("name", ENDLESS)
def test_a_head_without_end(served: Serve, name: str) -> None:
    start, more = ENDLESS[name]
    with connect(served) as sock:
        sock.sendall(start)
        with pytest.raises(ConnectionError):
            for _ in range(20_000):  # 200 MB
                sock.sendall(more)


@pytest.mark.parametrize("blanks", [b" ", b"\t", b"  \t"])
def test_blanks_around_a_header_do_not_belong_to_it(served: Serve, blanks: bytes) -> None:
    extra = b"X-Request-ID:" + blanks + b"mine" + blanks + b"\r\n"
    with connect(served) as sock:
        sock.sendall(get(extra=extra + b"Connection: close" + blanks + b"\r\n"))
        raw = b"".join(iter(lambda: sock.recv(65536), b""))
    assert b"x-request-id: mine\r\n" in raw


@pytest.mark.parametrize("name", ODD)
def test_odd_requests_are_answered(served: Serve, name: str) -> None:
    raw, expected = ODD[name]
    statuses, body, _ = context(served, raw)
    assert statuses == expected
    if statuses[-1] >= 400 and not raw.startswith(b"HEAD"):
        assert f'"status":{statuses[-1]}'.encode() in body


def test_silent_connections_keep_nobody_waiting(served: Serve) -> None:
    beginnings = [b"", b"P", post()[:60], post()[:-5], chunked(b"d\r\n" + JSON)]
    silent = [connect(served) for _ in range(200)]
    try:
        for i, sock in enumerate(silent):
            sock.sendall(beginnings[i % len(beginnings)])
        started = time.monotonic()
        for _ in range(20):
            assert served.post("/v1/ner", "Ann").status_code == 200
        assert time.monotonic() - started < 5  # 20 seconds each, if they were blocked
    finally:
        for sock in silent:
            sock.close()


def test_half_a_body_ends_at_the_deadline(served: Serve) -> None:
    with connect(served) as sock:
        sock.sendall(post(b"X-Timeout-Ms: 300\r\n")[:-5])
        time.sleep(0.4)
        received, is_closed = read(sock)
    assert received.startswith(b"HTTP/1.1 504 ")
    assert b"deadline_exceeded" in received
    assert is_closed


def test_it_cost_no_memory_and_no_log_says_what_came(served: Serve) -> None:
    assert peak_mb(served.worker("Gateway")) < MAX_MB
    log = served.log.read_text()
    assert '"event":"failure"' not in log and "Traceback" not in log
    assert "elsewhere" not in log and "hello" not in log


async def slow_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer after 0.3 seconds."""
    await asyncio.sleep(0.3)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


SLOW: dict[str, tuple[list[bytes], list[int]]] = {
    "nothing": ([], []),
    "half a head": ([b"GET / HTTP/1.1\r\nX: "], [408]),
    "a byte now and then": ([b"GET /", *[b"x"] * 60], [408]),
    "half a head behind a request": ([get(), b"GET / HT"], [200, 408]),
    "half a head behind an answer": ([get(), *[b""] * 10, b"GET / HT"], [200, 408]),
    "blank lines": ([b"\r\n"] * 60, [408]),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", SLOW)
async def test_a_head_that_comes_too_slowly(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    parts, expected = SLOW[name]
    monkeypatch.setattr(timed_connection, "HEAD_S", 0.2)
    async with listening(slow_app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(4):
            for part in parts:
                if not reading.done():
                    writer.write(part)
                    await asyncio.sleep(0.05)
            received = await reading
        writer.close()
        assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)] == expected


@pytest.mark.anyio
async def test_an_answer_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_connection, "HEAD_S", 0.1)
    async with listening(slow_app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):  # the second on the connection of the first
            writer.write(get())
            async with asyncio.timeout(3):
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        writer.close()


def test_the_bounds_are_wide_enough_for_browsers() -> None:
    assert MAX_HEAD_BYTES >= 32_768 and HEAD_S >= 5


class Writes:
    """A transport that records the written data and whether it was closed."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


def test_head_and_body_are_one_write() -> None:
    writes = Writes()
    answer = OneWrite(cast(Any, writes), "POST")
    before = b"HTTP/1.1 100 Continue\r\n\r\n"
    answer.write(before)
    answer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert writes.pieces == [before]
    for piece in (b"body", b"more", b""):
        answer.write(piece)
    answer.close()
    assert writes.pieces == [before, b"HTTP/1.1 200 OK\r\n\r\nbody", b"more", b""]
    assert answer.is_closing()


def test_a_head_without_a_body_is_not_lost() -> None:
    writes = Writes()
    answer = OneWrite(cast(Any, writes), "GET")
    answer.write(b"head")
    assert not answer.is_closing()
    answer.close()
    assert writes.pieces == [b"head"] and writes.is_closed


def test_a_head_that_has_no_body_goes_at_once() -> None:
    writes = Writes()
    answer = OneWrite(cast(Any, writes), "HEAD")
    answer.write(b"head")
    answer.close()
    assert writes.pieces == [b"head"]


@pytest.mark.anyio
async def test_an_answer_is_one_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(slow_app) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(get())
            async with asyncio.timeout(3):
                packet = await reader.read(4096)
            assert packet.startswith(b"HTTP/1.1 200 ") and packet.endswith(b"\r\n\r\nok")
        writer.close()
