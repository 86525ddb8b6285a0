from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqserve.errors import DeadlineExceeded, SeqserveError, UnavailableError
from service.queue.admission import QueueFull
from service.queue.batcher import Batcher, Reply
from service.queue.limits import BatchLimits
from service.queue.pending import ItemError
from tests.service.queue import virtual_time

pytestmark = pytest.mark.anyio

LIMITS = BatchLimits(queue_texts=100, queue_tokens=10_000, batch_texts=4, batch_tokens=100)


class Caller:
    """Fake engines that upper-case texts, once a test allows it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.n_running = 0
        self.max_running = 0
        self.fail_on: str | None = None
        self.n_lost = 0
        self.cancelled: list[str] = []

    async def __call__(self, items: list[str]) -> Reply[str]:
        self.batches.append(items)
        self.n_running += 1
        self.max_running = max(self.max_running, self.n_running)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if self.fail_on in items:
                raise ConnectionResetError("the runner died")
            results: list[str | SeqserveError] = [
                SeqserveError() if work.startswith("bad") else work.upper() for work in items
            ]
            return Reply(results[self.n_lost :], 0.001)
        finally:
            self.n_running -= 1

    def cancel(self, items: list[str]) -> None:
        self.cancelled += items


def make(caller: Caller, limits: BatchLimits = LIMITS) -> Batcher[str, str]:
    return Batcher("ner", caller, caller.cancel, limits)


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def ask(
    batcher: Batcher[str, str], texts: Sequence[str], n_tokens: int = 1, seconds: float = 5.0
) -> list[str]:
    answer = await batcher.submit([(text, n_tokens) for text in texts], soon(seconds))
    return answer.results


async def start(
    batcher: Batcher[str, str], texts: Sequence[str], n_tokens: int = 1, seconds: float = 5.0
) -> asyncio.Task[list[str]]:
    """Queue a request, and run everything that can run."""
    task = asyncio.create_task(ask(batcher, texts, n_tokens, seconds))
    await resolve()
    return task


async def resolve() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_lone_text_is_answered_at_once() -> None:
    caller = Caller()
    assert await ask(make(caller), ["a"]) == ["A"]
    assert caller.batches == [["a"]]


async def test_results_come_in_the_order_of_the_texts() -> None:
    caller = Caller()
    texts = [f"t{i}" for i in range(11)]
    items = [(text, 20 - i) for i, text in enumerate(texts)]
    answer = await make(caller).submit(items, soon())
    assert answer.results == [text.upper() for text in texts]


async def test_what_waits_makes_one_batch_and_only_one_call_is_in_flight() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    tasks = [await start(batcher, [name]) for name in "abcdef"]
    assert caller.batches == [["a"]]
    assert batcher.n_waiting == 5
    caller.gate.set()
    assert await asyncio.gather(*tasks) == [[name.upper()] for name in "abcdef"]
    assert [len(batch) for batch in caller.batches] == [1, 4, 1]
    assert caller.max_running == 1
    assert batcher.n_waiting == 0


async def test_requests_take_turns() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    big = await start(batcher, [f"big{i}" for i in range(40)])
    small = [await start(batcher, [name]) for name in "xyz"]
    caller.gate.set()
    await asyncio.gather(*small)
    assert not big.done()
    assert {"x", "y", "z"} < set(caller.batches[1])
    assert len(await big) == 40


async def test_a_long_text_is_not_starved_by_short_ones() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    first = await start(batcher, ["first"])
    long = await start(batcher, ["long"], n_tokens=90)
    short = [await start(batcher, [f"s{i}"]) for i in range(20)]
    caller.gate.set()
    await asyncio.gather(first, long, *short)
    assert caller.batches[1] == ["long"]


@pytest.mark.parametrize(
    ("tokens", "batches"),
    [
        pytest.param([10, 10, 10, 10, 10], [4, 1], id="as-many-texts-as-allowed"),
        pytest.param([50, 50, 50, 50], [2, 2], id="as-many-padded-tokens-as-allowed"),
        pytest.param([100, 1, 1, 1], [1, 3], id="no-padding-up-to-a-long-text"),
        pytest.param([500, 500], [1, 1], id="a-text-over-the-budget-goes-alone"),
        pytest.param([20, 21, 90, 22], [3, 1], id="similar-lengths-together"),
    ],
)
async def test_batches_are_cut_by_padded_tokens(tokens: list[int], batches: list[int]) -> None:
    caller = Caller()
    items = [(f"t{i}", n_tokens) for i, n_tokens in enumerate(tokens)]
    await make(caller).submit(items, soon())
    assert [len(batch) for batch in caller.batches] == batches


@pytest.mark.parametrize(
    ("limits", "n_tokens"),
    [
        pytest.param(BatchLimits(3, 10_000, 4, 100), 1, id="texts"),
        pytest.param(BatchLimits(100, 30, 4, 100), 10, id="tokens"),
    ],
)
async def test_a_full_queue_refuses_at_once(limits: BatchLimits, n_tokens: int) -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller, limits)
    tasks = [await start(batcher, [name], n_tokens) for name in "abcd"]  # one of them in flight
    with pytest.raises(QueueFull) as refusal:
        await ask(batcher, ["late"], n_tokens)
    assert 1 <= refusal.value.retry_after_s <= 30
    caller.gate.set()
    assert await asyncio.gather(*tasks) == [["A"], ["B"], ["C"], ["D"]]
    assert await ask(batcher, ["late"], n_tokens) == ["LATE"]


async def test_an_empty_queue_takes_a_request_that_is_larger_than_the_queue() -> None:
    caller = Caller()
    batcher = make(caller, BatchLimits(3, 10, 4, 100))
    assert len(await ask(batcher, [f"t{i}" for i in range(8)], 5)) == 8


@pytest.mark.parametrize(
    ("n_texts", "n_tokens", "seconds"),
    [
        pytest.param(1, 1, 0.0, id="there-is-room"),
        pytest.param(4, 4, 5.5, id="a-quarter-of-ten-is-reserved-so-five-and-a-half-too-many"),
        pytest.param(1, 62, 2.1, id="21-tokens-too-many"),
        pytest.param(50, 5000, 6.5, id="larger-than-the-queue-so-it-counts-as-half-of-it"),
    ],
)
def test_room_is_promised_when_what_is_too_much_has_left(
    n_texts: int, n_tokens: int, seconds: float
) -> None:
    """Compute one text of 10 tokens per second."""

    async def call(items: list[str]) -> Reply[str]:
        await asyncio.sleep(1.0)
        return Reply(items, 1.0)

    async def promise() -> float:
        limits = BatchLimits(queue_texts=10, queue_tokens=131, batch_texts=1, batch_tokens=100)
        batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, limits)
        for _ in range(20):
            await ask(batcher, ["a"], n_tokens=10)
        waiting = [await start(batcher, [str(i)], n_tokens=10, seconds=100) for i in range(10)]
        assert batcher.n_waiting == 9
        now = asyncio.get_running_loop().time()
        found = batcher.admission.seconds_until_room(n_texts, n_tokens, 1000.0, now)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return found

    assert virtual_time.run(promise()) == pytest.approx(seconds)


def test_one_text_never_waits_for_a_whole_bulk_request() -> None:
    """It is in the second batch at the latest, however many texts and requests are queued."""

    async def call(items: list[str]) -> Reply[str]:
        await asyncio.sleep(1.0)
        return Reply(items, 1.0)

    async def slowest() -> float:
        limits = BatchLimits(queue_texts=10_000, queue_tokens=10**6, batch_texts=4, batch_tokens=40)
        batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, limits)
        loop = asyncio.get_running_loop()
        texts = [f"b{i}" for i in range(500)]
        bulk = [await start(batcher, texts, n_tokens=10, seconds=1000) for _ in range(2)]
        waits = []
        for i in range(20):
            await asyncio.sleep(0.37)
            before = loop.time()
            await ask(batcher, [f"one{i}"], n_tokens=1 + i, seconds=100)
            waits.append(loop.time() - before)
        assert not any(task.done() for task in bulk)
        for task in bulk:
            task.cancel()
        await asyncio.gather(*bulk, return_exceptions=True)
        return max(waits)

    assert (
        virtual_time.run(slowest()) <= 1.0 + 2 * 1.0 + 1.0
    )  # the batch in flight, two batches of others, its own


async def test_a_late_request_is_never_started() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    first = await start(batcher, ["first"])
    with pytest.raises(DeadlineExceeded):
        await ask(batcher, ["late"], seconds=0.02)
    assert batcher.n_waiting == 0
    caller.gate.set()
    await first
    await resolve()
    assert caller.batches == [["first"]]


async def test_a_deadline_that_is_over_already() -> None:
    caller = Caller()
    with pytest.raises(DeadlineExceeded):
        await ask(make(caller), ["late"], seconds=-1)
    await resolve()
    assert caller.batches == []


async def test_a_deadline_ends_the_wait_but_not_the_call() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    with pytest.raises(DeadlineExceeded):
        await ask(batcher, ["slow"], seconds=0.02)
    next_one = await start(batcher, ["next"])
    assert caller.batches == [["slow"]]  # the engine is still computing: no second call
    caller.gate.set()
    assert await next_one == ["NEXT"]


async def test_texts_of_a_client_that_went_away_are_dropped() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    first = await start(batcher, ["first"])
    gone = await start(batcher, ["gone1", "gone2"])
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert batcher.n_waiting == 0
    caller.gate.set()
    await first
    await resolve()
    assert caller.batches == [["first"]]


SEVERAL = BatchLimits(
    queue_texts=100, queue_tokens=10_000, batch_texts=2, batch_tokens=100, concurrency=3
)


async def test_as_many_calls_are_in_flight_as_allowed() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller, replace(SEVERAL, batch_texts=1))
    tasks = [await start(batcher, [name]) for name in "abcdef"]
    assert caller.batches == [["a"], ["b"], ["c"]]
    assert batcher.n_waiting == 3
    caller.gate.set()
    assert await asyncio.gather(*tasks) == [[name.upper()] for name in "abcdef"]
    assert caller.max_running == 3


@pytest.mark.parametrize(
    ("n_quick", "takes_ms", "sent_ms"),
    [
        pytest.param(1, 150, [0, 150, 150, 150], id="quick-ones-make-what-waits-one-batch"),
        pytest.param(1, 300, [0, 200, 200, 200], id="a-slow-one-makes-room"),
        pytest.param(2, 300, [0, 10, 200, 200], id="one-beside-it"),
        pytest.param(3, 300, [0, 10, 20, 200], id="several-beside-it"),
    ],
)
def test_a_call_goes_beside_quick_ones_only_where_there_is_a_place(
    n_quick: int, takes_ms: float, sent_ms: list[float]
) -> None:
    """Queue four texts, 10 ms apart."""
    found: dict[str, float] = {}

    async def call(items: list[str]) -> Reply[str]:
        found.update(dict.fromkeys(items, asyncio.get_running_loop().time() * 1000))
        await asyncio.sleep(takes_ms / 1000)
        return Reply(items, takes_ms / 1000)

    async def everything() -> None:
        limits = replace(SEVERAL, batch_texts=4, concurrency=8, base_concurrency=n_quick)
        batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, limits)
        asks = []
        for name in "abcd":
            asks.append(asyncio.create_task(ask(batcher, [name])))
            await asyncio.sleep(0.01)
        await asyncio.gather(*asks)

    virtual_time.run(everything())
    assert list(found.values()) == pytest.approx(sent_ms, abs=1)


def test_slow_calls_have_a_bound_too() -> None:
    caller = Caller()
    caller.gate.clear()

    async def everything() -> None:
        batcher = make(caller, replace(SEVERAL, batch_texts=1, base_concurrency=1))
        tasks = [asyncio.create_task(ask(batcher, [name], seconds=60)) for name in "abcde"]
        n_begun = []
        await asyncio.sleep(0.19)
        for _ in range(5):
            n_begun.append(len(caller.batches))
            await asyncio.sleep(0.2)
        assert n_begun == [1, 2, 3, 3, 3]
        caller.gate.set()
        await asyncio.gather(*tasks)

    virtual_time.run(everything())
    assert caller.max_running == 3


@pytest.mark.parametrize(
    ("arrivals_ms", "sent_ms"),
    [
        pytest.param({"a": 0, "b": 1, "c": 3}, {"a": 0, "b": 5, "c": 5}, id="some-company"),
        pytest.param({"a": 0, "b": 1, "c": 8}, {"a": 0, "b": 5, "c": 10}, id="one-after-another"),
        pytest.param({"a": 0, "b": 50}, {"a": 0, "b": 50}, id="long-after-the-last"),
        pytest.param(
            {"a": 0, "b": 1, "c": 2, "d": 2}, {"a": 0, "b": 2, "c": 2, "d": 2}, id="a-full-batch"
        ),
        pytest.param({"a": 0, "b": 101}, {"a": 0, "b": 101}, id="nothing-in-flight"),
        pytest.param({"a": 0, "b": 99}, {"a": 0, "b": 99}, id="just-before-that"),
    ],
)
def test_a_batch_beside_others_waits_for_company(
    arrivals_ms: dict[str, int], sent_ms: dict[str, int]
) -> None:
    """Calls take 100 ms; batches hold 3 texts at most."""
    found: dict[str, float] = {}

    async def call(items: list[str]) -> Reply[str]:
        found.update(dict.fromkeys(items, asyncio.get_running_loop().time() * 1000))
        await asyncio.sleep(0.1)
        return Reply(items, 0.1)

    async def one(batcher: Batcher[str, str], text: str) -> None:
        await asyncio.sleep(arrivals_ms[text] / 1000)
        await ask(batcher, [text])

    async def everything() -> None:
        limits = BatchLimits(100, 10_000, batch_texts=3, batch_tokens=100, concurrency=3)
        batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, limits)
        await asyncio.gather(*(one(batcher, text) for text in arrivals_ms))

    virtual_time.run(everything())
    assert found == pytest.approx(sent_ms)


@pytest.mark.parametrize(
    ("tokens", "n_chunks", "sent"),
    [
        pytest.param([600] * 4, 2, [(0, 2), (0, 2)], id="half-for-each"),
        pytest.param([600] * 6, 3, [(0, 2), (0, 2), (0, 2)], id="a-third-for-each"),
        pytest.param([600] * 4, 1, [(0, 4)], id="one-call-shares-out-itself"),
        pytest.param([100] * 10, 2, [(0, 10)], id="too-little-to-share-out"),
        pytest.param([2000] * 4, 2, [(0, 2), (0, 2)], id="no-more-than-the-largest-batch"),
        pytest.param([3000] * 4, 2, [(0, 1), (0, 1), (0, 1), (100, 1)], id="too-long-for-a-share"),
        pytest.param([600] * 4 + [900], 2, [(0, 2), (0, 2), (5, 1)], id="the-rest-has-company"),
        pytest.param([2000, 100, 100], 2, [(0, 1), (5, 2)], id="less-than-a-share-waits-for-it"),
    ],
)
def test_what_waits_is_shared_out_among_calls(
    tokens: list[int], n_chunks: int, sent: list[tuple[float, int]]
) -> None:
    """Queue requests of one text at the same time; calls take 100 ms."""
    found: list[tuple[float, int]] = []

    async def call(items: list[str]) -> Reply[str]:
        found.append((round(asyncio.get_running_loop().time() * 1000), len(items)))
        await asyncio.sleep(0.1)
        return Reply(items, 0.1)

    async def everything() -> None:
        limits = BatchLimits(100, 100_000, 100, batch_tokens=4096, concurrency=3, n_chunks=n_chunks)
        batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, limits)
        await asyncio.gather(*(ask(batcher, [f"t{i}"], n) for i, n in enumerate(tokens)))

    virtual_time.run(everything())
    assert found == sent


def test_a_call_that_lands_does_not_end_the_wait_for_company() -> None:
    """Unless it was the only one."""
    sent: list[tuple[float, list[str]]] = []

    async def call(items: list[str]) -> Reply[str]:
        sent.append((round(asyncio.get_running_loop().time() * 1000, 3), items))
        await asyncio.sleep(0.002 if items[0].startswith("short") else 0.1)
        return Reply(items, 0.1)

    async def everything() -> None:
        batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, SEVERAL)
        tasks = [await start(batcher, ["short1"])]
        await asyncio.sleep(0.001)
        tasks.append(await start(batcher, ["long"]))  # waits until the short one completes
        await asyncio.sleep(0.01)
        tasks.append(await start(batcher, ["short2"]))
        await asyncio.sleep(0.001)
        tasks.append(await start(batcher, ["last"]))  # waits, although the short one completes
        await asyncio.gather(*tasks)

    virtual_time.run(everything())
    assert sent == [(0, ["short1"]), (2, ["long"]), (11, ["short2"]), (16, ["last"])]


async def test_the_last_call_is_kept_for_a_request_that_has_none() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller, SEVERAL)
    big = await start(batcher, [f"big{i}" for i in range(40)])
    assert [len(batch) for batch in caller.batches] == [2, 2]
    other = await start(batcher, ["other"])
    assert caller.batches[2:] == [["other"]]
    caller.gate.set()
    assert await other == ["OTHER"]
    assert not big.done()
    assert len(await big) == 40
    assert caller.max_running == 3


async def test_a_short_call_overtakes_a_long_one() -> None:
    gates = {"long": asyncio.Event(), "short": asyncio.Event()}

    async def call(items: list[str]) -> Reply[str]:
        await gates[items[0]].wait()
        return Reply(items, 0.001)

    batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, SEVERAL)
    long = await start(batcher, ["long"])
    short = await start(batcher, ["short"])
    gates["short"].set()
    assert await short == ["short"]
    assert not long.done()
    gates["long"].set()
    assert await long == ["long"]


async def test_texts_in_flight_of_a_client_that_went_away_are_cancelled() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller, BatchLimits(100, 10_000, 4, 100))
    first = await start(batcher, ["first"])
    gone, other = await start(batcher, ["gone1", "gone2"]), await start(batcher, ["other"])
    caller.gate.set()
    await first
    caller.gate.clear()
    await resolve()
    assert sorted(caller.batches[1]) == ["gone1", "gone2", "other"]
    gone.cancel()
    await resolve()
    assert sorted(caller.cancelled) == ["gone1", "gone2"]
    next_one = await start(batcher, ["next"])
    assert len(caller.batches) == 2  # cancelled texts are in flight until their call returns
    caller.gate.set()
    assert [await other, await next_one] == [["OTHER"], ["NEXT"]]


async def test_the_other_calls_of_a_failed_request_are_cancelled() -> None:
    cancelled: list[str] = []

    async def call(items: list[str]) -> Reply[str]:
        await asyncio.sleep(0 if items == ["bad"] else 0.02)
        return Reply([SeqserveError() if work == "bad" else work for work in items], 0.001)

    limits = BatchLimits(100, 10_000, 1, 100, 4)
    batcher: Batcher[str, str] = Batcher("ner", call, cancelled.extend, limits)
    with pytest.raises(ItemError):
        await ask(batcher, ["bad", "a", "b"])
    assert cancelled == ["a", "b"]


async def test_the_engine_knows_the_deadline_itself() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    with pytest.raises(DeadlineExceeded):
        await ask(batcher, ["slow"], seconds=0.02)
    assert caller.cancelled == []


async def test_a_text_that_the_engine_gave_up_at_its_deadline() -> None:
    async def call(items: list[str]) -> Reply[str]:
        return Reply([DeadlineExceeded("inside") for _ in items], 0.001)

    batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, LIMITS)
    with pytest.raises(DeadlineExceeded, match="inside"):
        await ask(batcher, ["a"])


async def test_a_crash_fails_its_own_batch_only() -> None:
    caller = Caller()
    caller.gate.clear()
    caller.fail_on = "lethal"
    batcher = make(caller)
    lethal = await start(batcher, ["lethal"])
    others = [await start(batcher, [name]) for name in "ab"]
    caller.gate.set()
    with pytest.raises(UnavailableError):
        await lethal
    assert await asyncio.gather(*others) == [["A"], ["B"]]


async def test_the_rest_of_a_failed_request_is_not_computed() -> None:
    caller = Caller()
    caller.fail_on = "t0"
    with pytest.raises(UnavailableError):
        await ask(make(caller), [f"t{i}" for i in range(12)])
    await resolve()
    assert len(caller.batches) == 1


async def test_one_bad_text_fails_its_request_and_no_other() -> None:
    caller = Caller()
    caller.gate.clear()
    batcher = make(caller)
    first = await start(batcher, ["first"])
    bad = await start(batcher, ["good", "bad"])
    other = await start(batcher, ["other"])
    caller.gate.set()
    with pytest.raises(ItemError) as failure:
        await bad
    assert failure.value.index == 1
    assert await first == ["FIRST"]
    assert await other == ["OTHER"]
    assert sorted(caller.batches[1]) == ["bad", "good", "other"]


async def test_a_missing_result_is_a_crash_and_never_a_shift() -> None:
    caller = Caller()
    caller.n_lost = 1
    with pytest.raises(UnavailableError):
        await ask(make(caller), ["a", "b"])


@pytest.mark.parametrize(("n_calls", "n_rounds"), [(1, 4), (5, 1)])
async def test_time_is_told_apart_by_engine_and_queue(n_calls: int, n_rounds: int) -> None:
    """Concurrent calls count once."""

    async def call(items: list[str]) -> Reply[str]:
        await asyncio.sleep(0.02)
        return Reply(items, 0.02)

    limits = BatchLimits(100, 10_000, 1, 100, n_calls)
    batcher: Batcher[str, str] = Batcher("ner", call, lambda items: None, limits)
    started = time.perf_counter()
    answer = await batcher.submit([(text, 1) for text in "abcd"], soon())
    elapsed_s = time.perf_counter() - started
    assert answer.engine_s == pytest.approx(0.02 * n_rounds, rel=0.3)
    assert 0 <= answer.queue_s <= elapsed_s - answer.engine_s  # however busy this machine is


async def test_many_requests_at_once_get_their_own_answers() -> None:
    batcher = make(Caller(), BatchLimits(10_000, 100_000, 8, 64))
    texts = [[f"r{r}t{t}" for t in range(r % 5 + 1)] for r in range(200)]
    answers = await asyncio.gather(*(ask(batcher, one, len(one)) for one in texts))
    assert answers == [[text.upper() for text in one] for one in texts]


REQUESTS = st.lists(
    st.tuples(
        st.lists(st.integers(1, 150), min_size=1, max_size=12),  # tokens of each text
        st.sampled_from(["stays", "leaves", "is late"]),
        st.integers(0, 3),  # pause before it is queued
    ),
    min_size=1,
    max_size=20,
)


@given(requests=REQUESTS, n_calls=st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_and_goes(requests: list[tuple[list[int], str, int]], n_calls: int) -> None:
    """Limits hold, remaining requests get the right results, and cancelled ones leave nothing behind."""
    caller_batches: list[list[tuple[int, int, int]]] = []
    n_running = max_running = 0
    batcher: Batcher[Any, Any]
    n_left = sum(len(tokens) for tokens, _, _ in requests)

    async def call(items: list[tuple[int, int, int]]) -> Reply[tuple[int, int, int]]:
        nonlocal n_running, max_running, n_left
        n_left -= len(items)
        assert 0 <= batcher.n_waiting <= n_left
        caller_batches.append(items)
        n_running += 1
        max_running = max(max_running, n_running)
        for _ in range(1 + len(caller_batches) % 3):  # they overtake each other
            await asyncio.sleep(0)
        n_running -= 1
        return Reply(items, 0.0)

    async def one(batcher: Batcher[Any, Any], i: int) -> None:
        tokens, fate, pause = requests[i]
        for _ in range(pause):
            await asyncio.sleep(0)
        items = [((i, j, n), n) for j, n in enumerate(tokens)]
        task = asyncio.create_task(batcher.submit(items, soon(-1 if fate == "is late" else 5)))
        await asyncio.sleep(0)
        if fate == "leaves":
            task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        if fate == "stays":
            assert outcome.results == [work for work, _ in items]  # type: ignore[union-attr]
        else:
            assert isinstance(outcome, asyncio.CancelledError | DeadlineExceeded)

    async def everything() -> None:
        nonlocal batcher
        limits = BatchLimits(1000, 100_000, 4, 100, n_calls)
        batcher = Batcher("ner", call, lambda items: None, limits)
        await asyncio.gather(*(one(batcher, i) for i in range(len(requests))))
        await resolve()
        assert batcher.n_waiting == 0

    asyncio.run(everything())
    assert max_running <= n_calls
    for batch in caller_batches:
        longest = max(n_tokens for _, _, n_tokens in batch)
        assert len(batch) == 1 or (len(batch) <= 4 and len(batch) * longest <= 100)
    seen = [work for batch in caller_batches for work in batch]
    assert len(seen) == len(set(seen))
    assert all(requests[i][1] != "is late" for i, _, _ in seen)
