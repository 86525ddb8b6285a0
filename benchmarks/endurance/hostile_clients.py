"""Clients that send what a public server gets: valid, invalid, huge, slow, pipelined, half-closed requests.

Every kind of client opens connections of its own, on which it may do what it likes; what it must get back is
checked. This module knows the HTTP API from outside only.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from benchmarks.endurance.wire import Response, Wire, get, request

REFUSALS = frozenset({429, 503, 504})
"""Statuses with which a server may protect itself."""
UPGRADES = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
)
_MAX_FAULTS = 20
_ROUTES = {
    "/v1/ner": {},
    "/v1/sentiment": {},
    "/v1/translate": {"source": "en", "target": "zh"},
}
_WORDS = [
    "Ann",
    "saw",
    "a",
    "quiet",
    "film",
    "in",
    "Rome",
    "and",
    "returned",
    "the",
    "days",
    "twice",
]


@dataclass
class ResponseCounts:
    """What clients of all kinds got.

    Args:
        statuses: Number of responses by kind and status.
        n_lost: Requests without a response, where there should have been one, by kind.
        faults: What was wrong, in words.
        n_faults: How many; `faults` has the first ones.
    """

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    n_lost: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    n_faults: int = 0

    def check(
        self, kind: str, found: Sequence[Response], allowed: frozenset[int], n_wanted: int | None
    ) -> None:
        """Count responses, and note those that are not allowed or missing.

        Args:
            kind: Of the client.
            found: The responses.
            allowed: Statuses beside `REFUSALS`.
            n_wanted: Responses that must have come; None is any number.
        """
        for one in found:
            self.statuses[kind, one.status] += 1
            if one.status not in allowed | REFUSALS:
                self._note(f"{kind}: {one.status} {one.body[:200]!r}")
            elif one.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not _has_reason(one):
                self._note(f"{kind}: {one.status} without a reason: {one.body[:200]!r}")
        was_cut = bool(found) and found[-1].status in REFUSALS  # such a response may close
        if n_wanted is not None and len(found) < n_wanted and not was_cut:
            self.n_lost[kind] += n_wanted - len(found)
            self._note(f"{kind}: {len(found)} of {n_wanted} responses")

    def _note(self, fault: str) -> None:
        self.n_faults += 1
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(fault)

    def by_status(self) -> dict[int, int]:
        """Return the number of responses by status."""
        found: Counter[int] = Counter()
        for (_, status), n in self.statuses.items():
            found[status] += n
        return dict(sorted(found.items()))


def _has_reason(response: Response) -> bool:
    """Return whether a response says why: a problem document with a code, or a sentence."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return response.body.endswith(b".")
    return isinstance(document, dict) and bool(document.get("code"))


Act = Callable[[Wire, random.Random], Awaitable[tuple[list[Response], frozenset[int], int | None]]]
"""What one client does on a connection. Returns responses, allowed statuses, and how many must have come."""

_OK, _CLIENT_ERRORS = frozenset({200}), frozenset({200, *range(400, 500)})


def document(rng: random.Random, n_texts: int = 1, n_words: int = 12) -> tuple[str, bytes]:
    """Return the path and the body of a valid prediction request."""
    path, options = rng.choice([*_ROUTES.items()])
    texts = [" ".join(rng.choices(_WORDS, k=n_words)) for _ in range(n_texts)]
    return path, json.dumps({"text": texts, **options}).encode()


async def valid(wire: Wire, rng: random.Random) -> Any:
    """Send some requests, one after the other."""
    found: list[Response] = []
    n = rng.randint(1, 8)
    for i in range(n):
        await wire.send(request(*document(rng, rng.choice([1, 1, 1, 20]), rng.choice([5, 12, 60]))))
        found = await wire.read(i + 1)
        if len(found) <= i:
            break
    return found, _OK, n


async def probing(wire: Wire, rng: random.Random) -> Any:
    """Send what monitors send."""
    await wire.send(get(rng.choice(["/livez", "/readyz", "/metrics", "/v1/models", "/docs.json"])))
    return await wire.read(1), _OK, 1


async def invalid(wire: Wire, rng: random.Random) -> Any:
    """Send a request with a mistake."""
    raw = rng.choice(
        (
            b"rubbish\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"POST /v1/ner HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
            b"DELETE /v1/ner HTTP/1.1\r\nHost: x\r\n\r\n",
            rng.randbytes(rng.randint(1, 3000)) + b"\r\n\r\n",
            request("/v1/ner", rng.choice((b"{", b"[]", b"null", b'{"text": 1}', b'{"text": ""}'))),
            request("/v1/nowhere", b"{}"),
            request("/v1/ner", b'{"text": "a"}', b"Transfer-Encoding: chunked\r\n"),
            request("/v1/ner", b'{"text": "a"}', b"Content-Encoding: br\r\n"),
        )
    )
    await wire.send(raw)
    wire.end()
    return await wire.read(1), _CLIENT_ERRORS, None


async def huge(wire: Wire, rng: random.Random) -> Any:
    """Send megabytes: many values, long texts, or more than is allowed."""
    body = rng.choice(
        (
            lambda: b'{"text":"a","x":[' + b"[]," * 1_390_000 + b"[]]}",
            lambda: b'{"text":"a"' + b"".join(b',"k%d":1' % i for i in range(90_000)) + b"}",
            lambda: b'{"text": "' + b"a" * 4_000_000 + b'"}',
            lambda: json.dumps({"text": ["a b c d " * 2400] * 200}).encode(),
            lambda: b" " * 3_000_000 + b'{"text": "a"}',
            lambda: b"[" * 2_000_000,
            lambda: b"x" * 6_000_000,
        )
    )()
    await wire.send(request(rng.choice([*_ROUTES]), body, b"X-Timeout-Ms: 3000\r\n"))
    return await wire.read(1), _CLIENT_ERRORS, None  # too large: it closes while we send


async def compressed(wire: Wire, rng: random.Random) -> Any:
    """Send gzip: valid, damaged, cut, or a bomb."""
    path, body = document(rng, 30)
    raw, allowed = rng.choice(
        (
            lambda: (gzip.compress(body), _OK),
            lambda: (gzip.compress(body)[:-5], _CLIENT_ERRORS),
            lambda: (gzip.compress(body)[:20] + rng.randbytes(40), _CLIENT_ERRORS),
            lambda: (gzip.compress(bytes(50_000_000), 9), _CLIENT_ERRORS),
            lambda: (
                gzip.compress(b'{"text":"a","x":[' + b"[]," * 1_390_000 + b"1]}"),
                _CLIENT_ERRORS,
            ),
            lambda: (gzip.compress(b"") * 3000, _CLIENT_ERRORS),
        )
    )()
    await wire.send(request(path, raw, b"Content-Encoding: gzip\r\n"))
    return await wire.read(1), allowed, 1


async def slow(wire: Wire, rng: random.Random) -> Any:
    """Send a head or a body byte by byte, for some seconds; perhaps the rest, perhaps not."""
    path, body = document(rng, 4000)
    raw = request(path, body, b"X-Timeout-Ms: 5000\r\n")
    begin = rng.choice([20, len(raw) // 2, len(raw) - 40])
    await wire.send(raw[:begin])
    for i in range(rng.randint(1, 15)):
        await asyncio.sleep(0.2)
        await wire.send(raw[begin + i : begin + i + 1])
    return await wire.read(1, 1.0), _CLIENT_ERRORS | {408}, None


async def pipelined(wire: Wire, rng: random.Random) -> Any:
    """Send many requests at once, and read all responses."""
    n = rng.choice([3, 30, 400])
    parts = [request(*document(rng)) if i % 20 == 1 else get("/livez") for i in range(n)]
    sending = asyncio.create_task(wire.send(b"".join(parts)))
    found = await wire.read(n)
    sending.cancel()
    return found, _OK, n


async def unread(wire: Wire, rng: random.Random) -> Any:
    """Ask for much, and read nothing for a while, or never."""
    raw = get(rng.choice(["/docs.json", "/livez", "/metrics"])) * rng.choice([10, 200, 20_000])
    with suppress(TimeoutError):
        await asyncio.wait_for(wire.send(raw), rng.uniform(0.1, 3.0))
    await asyncio.sleep(rng.uniform(0.0, 3.0))
    return [], _OK, None


async def half_closed(wire: Wire, rng: random.Random) -> Any:
    """Send requests and finish sending, perhaps in the middle of one more."""
    n = rng.choice([1, 2, 60])
    raw = b"".join(request(*document(rng)) for _ in range(n))
    await wire.send(raw + rng.choice((b"", b"GET / HT", request(*document(rng))[:-5])))
    wire.end()
    return await wire.read(n), _OK, n


async def upgrading(wire: Wire, rng: random.Random) -> Any:
    """Ask for another protocol, with a body, and send another request behind it."""
    path, body = document(rng)
    await wire.send(request(path, body, rng.choice(UPGRADES)) + get("/livez"))
    return await wire.read(2), _OK, 2


async def vanishing(wire: Wire, rng: random.Random) -> Any:
    """Ask for much, and leave without a word."""
    await wire.send(request(*document(rng, 100, 60)) + get("/livez") * rng.choice([0, 5, 5000]))
    await asyncio.sleep(rng.uniform(0.0, 0.3))
    wire.reset()
    return [], _OK, None


KINDS: dict[str, Act] = {
    act.__name__.replace("_", "-"): act
    for act in (
        valid,
        probing,
        invalid,
        huge,
        compressed,
        slow,
        pipelined,
        unread,
        half_closed,
        upgrading,
        vanishing,
    )
}


async def be_client(port: int, kind: str, rng: random.Random, counts: ResponseCounts) -> None:
    """Be one client of a kind.

    Args:
        port: Of the server, on this machine.
        kind: One of `KINDS`.
        rng: Chooses what it sends.
        counts: Counts what it gets.
    """
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    try:
        counts.check(kind, *await KINDS[kind](wire, rng))
    finally:
        wire.close()
