"""All large bodies together are bounded, and those that come slowly give way to others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from seqserve.errors import DeadlineExceeded, Overloaded
from service.http import held_bodies
from service.http.body import LARGE_BYTES, BodyReader
from service.http.interruption import Guard
from tests.service.api.test_errors import expect
from tests.service.conftest import serving

pytestmark = pytest.mark.anyio
MB = 1_000_000
N_SLOW = 16
GRACE_S = 0.05


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_bodies, "GRACE_S", GRACE_S)


def body_of(n_bytes: int) -> bytes:
    return json.dumps({"text": "a" * (n_bytes - 12)}).encode()


def request_of(body: bytes, end: asyncio.Event | None = None, size: int = 65_536) -> Request:
    """Return a request whose body comes in chunks; the last one only after an event, if there is one."""
    parts = [body[i : i + size] for i in range(0, len(body), size)]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        if len(parts) == 1 and end is not None:
            await end.wait()
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    headers = [(b"content-type", b"application/json")]
    return Request({"type": "http", "headers": headers}, receive)


@asynccontextmanager
async def slow_uploads(
    bodies: BodyReader, sizes: list[int]
) -> AsyncIterator[tuple[list[asyncio.Task[object]], asyncio.Event]]:
    """Begin to read bodies that do not end before the event is set."""
    end = asyncio.Event()
    tasks = [
        asyncio.create_task(bodies.read_json(request_of(body_of(size), end))) for size in sizes
    ]
    await asyncio.sleep(0.05)
    try:
        yield tasks, end
    finally:
        for task in tasks:
            task.cancel()
        with suppress(BaseException):
            await asyncio.gather(*tasks, return_exceptions=True)


def refused(tasks: list[asyncio.Task[object]]) -> list[int]:
    return [i for i, task in enumerate(tasks) if task.done()]


HONEST: dict[str, tuple[list[int], int]] = {
    "a small one": ([MB] * N_SLOW, LARGE_BYTES - 100),
    "a little larger": ([MB] * N_SLOW, LARGE_BYTES + 100),
    "as large as the slow ones": ([MB] * N_SLOW, MB),
    "larger than the slow ones": ([MB // 4] * N_SLOW * 4, MB),
    "the largest": ([MB // 2] * N_SLOW * 2, 4 * MB),
}


@pytest.mark.parametrize("name", HONEST)
async def test_slow_bodies_lock_nobody_out(name: str) -> None:
    sizes, n_bytes = HONEST[name]
    bodies = BodyReader(5 * MB, 10_000, max_held_bytes=N_SLOW * MB)
    async with slow_uploads(bodies, sizes) as (tasks, _):
        await asyncio.sleep(2 * GRACE_S)
        body = body_of(n_bytes)
        for _ in range(3):
            assert await bodies.read_json(request_of(body)) == json.loads(body)
        await asyncio.sleep(0)
        assert len(refused(tasks)) <= 3 * -(-n_bytes // sizes[0])
        for i in refused(tasks):
            with pytest.raises(Overloaded, match="this one came slowly"):
                await tasks[i]


async def test_the_one_with_the_most_byte_seconds_gives_way() -> None:
    bodies = BodyReader(5 * MB, 10_000, max_held_bytes=3 * MB)
    async with slow_uploads(bodies, [MB // 2, 2 * MB, MB // 4]) as (tasks, end):
        await asyncio.sleep(2 * GRACE_S)
        await bodies.read_json(request_of(body_of(MB)))
        assert refused(tasks) == [1]
        end.set()
        for i in (0, 2):
            assert await tasks[i]


async def test_an_old_one_gives_way_before_a_larger_one_that_is_young() -> None:
    bodies = BodyReader(5 * MB, 10_000, max_held_bytes=3 * MB)
    async with slow_uploads(bodies, [MB // 2]) as (old, _):
        await asyncio.sleep(0.5)
        async with slow_uploads(bodies, [2 * MB]) as (young, _):
            await asyncio.sleep(GRACE_S)
            await bodies.read_json(request_of(body_of(3 * MB // 4)))
            assert (refused(old), refused(young)) == ([0], [])


async def test_many_that_have_just_begun_are_overload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_bodies, "GRACE_S", 60.0)
    bodies = BodyReader(5 * MB, 10_000, max_held_bytes=3 * MB)
    async with slow_uploads(bodies, [MB, MB]) as (tasks, end):
        with pytest.raises(Overloaded, match="many large bodies"):
            await bodies.read_json(request_of(body_of(2 * MB)))
        small = body_of(LARGE_BYTES)
        assert await bodies.read_json(request_of(small)) == json.loads(small)
        end.set()
        assert len(await asyncio.gather(*tasks)) == 2
        assert await bodies.read_json(request_of(body_of(2 * MB)))  # nothing is held any more


@pytest.mark.parametrize("error", [ClientDisconnect, asyncio.CancelledError])
async def test_a_body_that_ends_in_another_way_is_released(error: type[BaseException]) -> None:
    bodies = BodyReader(5 * MB, 10_000, max_held_bytes=2 * MB)
    ended = asyncio.Event()
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": body_of(2 * MB), "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        if len(messages) == 1:
            await ended.wait()
        return messages.pop(0)

    request = request_of(b"")
    request._receive = receive
    task = asyncio.create_task(bodies.read_json(request))
    await asyncio.sleep(0.05)
    if error is ClientDisconnect:
        ended.set()
    else:
        task.cancel()
    with pytest.raises(error):
        await task
    assert await bodies.read_json(request_of(body_of(2 * MB)))


async def test_a_refusal_and_a_deadline_at_once_are_one_error() -> None:
    """The guard of the request cancels the same task."""
    bodies = BodyReader(5 * MB, 10_000, max_held_bytes=2 * MB)
    loop = asyncio.get_running_loop()

    async def answer() -> str:
        request = request_of(body_of(2 * MB), asyncio.Event())
        try:
            with Guard(request._receive, loop.time() + 60) as guard:
                guards.append(guard)
                await bodies.read_json(request)
        except (Overloaded, DeadlineExceeded) as error:
            await asyncio.sleep(0)  # no cancellation is left
            return type(error).__name__
        return "nothing"

    guards: list[Guard] = []
    task = asyncio.create_task(answer())
    await asyncio.sleep(2 * GRACE_S)
    guards[0]._working.interrupt(DeadlineExceeded("The deadline passed."))
    await bodies.read_json(request_of(body_of(MB)))
    assert await task == "DeadlineExceeded"


async def test_slow_bodies_over_http(bundles_dir: Any) -> None:
    async with serving(bundles_dir, max_body_bytes=4 * MB) as server:
        end = asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            yield b'{"text": "' + b"a" * (4 * MB - 100)
            await end.wait()
            yield b'"}'

        json_type = {"content-type": "application/json", "x-timeout-ms": "20000"}
        posts = []
        for n_posts in (N_SLOW, 1):  # all but the last fit
            for _ in range(n_posts):
                post = server.client.post("/v1/ner", content=slowly(), headers=json_type)
                posts.append(asyncio.create_task(post))
            await asyncio.sleep(1.0)
        for n_bytes in (20_000, 100_000, 1_000_000):
            body = json.dumps({"text": "Ann", "x": "a" * n_bytes}).encode()
            response = await server.client.post("/v1/ner", content=body, headers=json_type)
            expect(response, 422, "invalid_field")  # it was read
        refusals = [await post for post in posts if post.done()]
        assert refusals
        for refusal in refusals:
            expect(refusal, 429, "overloaded", "came slowly")
        for post in posts:
            post.cancel()
        await asyncio.gather(*posts, return_exceptions=True)
