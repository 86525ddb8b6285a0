from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqserve.errors import DeadlineExceeded
from service.queue.admission import Admission, QueueFull
from service.queue.batcher import Batcher
from service.queue.drain_rate import DrainRate
from service.queue.limits import BatchLimits
from service.queue.pending import PendingRequest, Text
from tests.service.queue import virtual_time
from tests.service.queue.overload import Item, Load, Outcome, Sizes, TimedMachine, saturation

LIMITS = BatchLimits(queue_texts=64, queue_tokens=6400, batch_texts=8, batch_tokens=800)
NOW = 100.0


def queued(sizes: list[int], loop: asyncio.AbstractEventLoop) -> PendingRequest[str, str]:
    request: PendingRequest[str, str] = PendingRequest(
        NOW + 10, NOW, loop.create_future(), n_pending_tokens=sum(sizes), n_texts=len(sizes)
    )
    request.pending.extend(Text(request, i, "", n_tokens) for i, n_tokens in enumerate(sizes))
    return request


def calls(n_calls: int, n_tokens: int, seconds: float = 1.0) -> DrainRate:
    """Return the rate after sequential calls of one text, the last of which has just ended."""
    drain = DrainRate()
    drain.begin(NOW - n_calls * seconds)
    for i in range(1 - n_calls, 1):
        drain.complete(NOW + i * seconds, 1, n_tokens)
    return drain


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def admission(
    loop: asyncio.AbstractEventLoop, *requests: list[int], drain: DrainRate | None = None
) -> Admission:
    one = Admission(LIMITS, drain or DrainRate())
    for sizes in requests:
        one.add(queued(sizes, loop))
    return one


ONE_BATCH = [100] * 8
GIANT = [10_000] * 60
QUARTER = [100] * 16


@pytest.mark.parametrize(
    ("requests", "sizes", "is_accepted"),
    [
        pytest.param([], GIANT, True, id="an-empty-queue-accepts-any-request"),
        pytest.param([GIANT], [1], True, id="a-large-one-leaves-room-for-one-text"),
        pytest.param([GIANT, *[[100]] * 30], [100], True, id="and-for-many"),
        pytest.param([GIANT, *[ONE_BATCH] * 3], ONE_BATCH, True, id="and-for-whole-batches"),
        pytest.param([GIANT, *[ONE_BATCH] * 4], ONE_BATCH, False, id="up-to-the-capacity"),
        pytest.param([GIANT], GIANT, False, id="but-not-for-another-large-one"),
        pytest.param([GIANT], QUARTER, True, id="a-quarter-beside-it"),
        pytest.param([GIANT, QUARTER], [100] * 9, False, id="the-last-quarter-is-reserved"),
        pytest.param([GIANT, QUARTER], [900], False, id="also-by-tokens"),
        pytest.param([GIANT, QUARTER], [800], True, id="for-what-fits-into-a-batch"),
        pytest.param([[1]] * 63, [1], True, id="texts-up-to-the-capacity"),
        pytest.param([[1]] * 64, [1], False, id="a-text-too-many"),
        pytest.param([[800]] * 8, [1], False, id="a-token-too-many"),
    ],
)
def test_capacity(
    requests: list[list[int]],
    sizes: list[int],
    is_accepted: bool,
    loop: asyncio.AbstractEventLoop,
) -> None:
    queue = admission(loop, *requests)
    if is_accepted:
        queue.check(len(sizes), sum(sizes), 10.0, NOW)
    else:
        with pytest.raises(QueueFull):
            queue.check(len(sizes), sum(sizes), 10.0, NOW)


def test_the_smallest_queue_holds_one_text(loop: asyncio.AbstractEventLoop) -> None:
    queue = Admission(BatchLimits(1, 6400, 8, 800), DrainRate())
    queue.add(queued([1], loop))
    with pytest.raises(QueueFull):
        queue.check(1, 1, 10.0, NOW)


@pytest.mark.parametrize(
    ("drain", "sizes", "seconds", "accepted"),
    [
        pytest.param(calls(8, 100), [100], 10.0, True, id="in-time"),
        pytest.param(calls(8, 100), [749], 10.0, True, id="just-in-time"),
        pytest.param(calls(8, 1000), [7501], 10.0, False, id="late-also-alone"),
        pytest.param(calls(8, 100), [100], 0.5, False, id="a-short-deadline"),
        pytest.param(calls(7, 1000), [7501], 10.0, True, id="few-calls-are-no-evidence"),
        pytest.param(calls(8, 250), [7501], 10.0, True, id="small-batches-are-none"),
        pytest.param(calls(8, 1000, 2.0), [100], 10.0, True, id="a-slow-machine"),
        pytest.param(calls(8, 100), [100], -1.0, True, id="what-is-late-already-expires-itself"),
        pytest.param(DrainRate(), GIANT, 0.1, True, id="nothing-is-known"),
    ],
)
def test_what_would_be_late_also_alone_is_refused_with_evidence(
    drain: DrainRate,
    sizes: list[int],
    seconds: float,
    accepted: bool,
    loop: asyncio.AbstractEventLoop,
) -> None:
    queue = admission(loop, drain=drain)
    if accepted:
        queue.check(len(sizes), sum(sizes), seconds, NOW)
    else:
        with pytest.raises(DeadlineExceeded, match=r"About \d+ of \d+ tokens .* Send fewer"):
            queue.check(len(sizes), sum(sizes), seconds, NOW)


def test_evidence_is_forgotten(loop: asyncio.AbstractEventLoop) -> None:
    queue = admission(loop, drain=calls(8, 1000))
    with pytest.raises(DeadlineExceeded):
        queue.check(1, 9000, 10.0, NOW + 9)
    queue.check(1, 9000, 10.0, NOW + 11)


@pytest.mark.parametrize(
    ("requests", "sizes", "seconds", "retry_after_s"),
    [
        pytest.param([[800]] * 4, [100], 10.0, None, id="33-tenths-of-a-second"),
        pytest.param([[800]] * 7, [100], 10.0, None, id="in-time"),
        pytest.param([[800]] * 7, [100], 7.0, 1, id="half-a-second-late"),
        pytest.param([[800]] * 7, [100], 4.0, 3, id="more"),
        pytest.param([[100] * 60], [100], 2.0, None, id="a-large-one-takes-one-batch-before"),
        pytest.param([[100] * 60], [400] * 4, 3.0, 2, id="and-one-per-batch"),
    ],
)
def test_the_wait_behind_others(
    requests: list[list[int]],
    sizes: list[int],
    seconds: float,
    retry_after_s: int | None,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """The machine computes 1000 tokens per second."""
    queue = admission(loop, *requests, drain=calls(20, 1000))
    if retry_after_s is None:
        queue.check(len(sizes), sum(sizes), seconds, NOW)
        return
    with pytest.raises(QueueFull) as refusal:
        queue.check(len(sizes), sum(sizes), seconds, NOW)
    assert refusal.value.retry_after_s == retry_after_s


def test_in_flight_work_counts(loop: asyncio.AbstractEventLoop) -> None:
    queue = admission(loop, [100], drain=calls(20, 1000))
    queue.check(1, 100, 4.0, NOW)
    queue.send(3000)
    with pytest.raises(QueueFull):
        queue.check(1, 100, 4.0, NOW)
    queue.complete(3000)
    queue.check(1, 100, 4.0, NOW + 16)


def test_a_refusal_makes_the_queue_short_for_a_while(loop: asyncio.AbstractEventLoop) -> None:
    queue = admission(loop, *[[800]] * 2, drain=calls(20, 1000))
    queue.check(1, 100, 10.0, NOW)
    with pytest.raises(QueueFull):
        queue.check(1, 100, 2.0, NOW)
    with pytest.raises(QueueFull):
        queue.check(1, 100, 10.0, NOW + 1)
    queue.check(1, 100, 10.0, NOW + 17)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 9000), min_size=1, max_size=90), st.integers(1, 90)),
        max_size=6,
    )
)
def test_what_has_left_does_not_count(requests: list[tuple[list[int], int]]) -> None:
    loop = asyncio.new_event_loop()
    queue = Admission(LIMITS, DrainRate())
    waiting = [(queued(sizes, loop), n_sent) for sizes, n_sent in requests]
    for request, _ in waiting:
        queue.add(request)
    for request, n_sent in waiting:
        for _ in range(min(n_sent, len(request.pending))):
            queue.remove(request, 1, request.pending[0].n_tokens)
            request.pending.popleft()
        assert request.n_pending_tokens == sum(text.n_tokens for text in request.pending)
        if request.pending:
            queue.remove(request, len(request.pending), request.n_pending_tokens)
    loop.close()
    assert (queue.n_texts, queue.n_tokens) == (0, 0)
    queue.check(10**6, 10**6, 1.0, NOW)  # the queue is empty
    queue.add(queued([1], loop))
    queue.check(8, 800, 1.0, NOW)


def short(chance: random.Random) -> list[int]:
    return [chance.randint(40, 160)]


def document(chance: random.Random) -> list[int]:
    return [chance.randint(4000, 16_000)]


def bulk(chance: random.Random) -> list[int]:
    return [chance.randint(40, 160) for _ in range(64)]


def mixed(chance: random.Random) -> list[int]:
    return chance.choice([short] * 8 + [document, bulk])(chance)


SERVED = BatchLimits(1024, 262_144, 128, 4096, 8, 2)


@pytest.mark.parametrize("times_rate", [4, 10])
@pytest.mark.parametrize(
    ("sizes", "tokens_per_s"),
    [
        pytest.param(short, 8_000, id="short"),
        pytest.param(document, 16_000, id="documents"),
        pytest.param(bulk, 16_000, id="bulk"),
        pytest.param(mixed, 16_000, id="mixed"),
        pytest.param(short, 5_000, id="short-on-a-slow-machine"),
    ],
)
def test_lasting_overload(sizes: Sizes, tokens_per_s: float, times_rate: float) -> None:
    async def simulate() -> tuple[Outcome, float]:
        best = await saturation(TimedMachine(tokens_per_s), SERVED, sizes)
        return await Load(TimedMachine(tokens_per_s), SERVED, 30.0).run(sizes, times_rate, 60), best

    outcome, best = virtual_time.run(simulate())
    assert outcome.tokens_per_s >= 0.9 * best
    assert outcome.n_refused > outcome.n_requests / 3
    assert outcome.slowest_refusal_s == 0
    assert outcome.n_late <= 0.01 * outcome.n_requests
    assert outcome.recovery_s <= 3


@pytest.mark.parametrize("sizes", [short, document, bulk, mixed])
def test_nothing_is_refused_below_saturation(sizes: Sizes) -> None:
    async def simulate() -> Outcome:
        return await Load(TimedMachine(16_000), SERVED, 30.0).run(sizes, 0.6, 120.0)

    outcome = virtual_time.run(simulate())
    assert outcome.n_requests == len(outcome.waits_s)


@pytest.mark.parametrize("has_history", [True, False])
def test_one_large_request_does_not_lock_out_others(has_history: bool) -> None:
    """The large one has 253 texts of 16,200 characters, and would take a minute and more."""

    async def simulate() -> tuple[Outcome, Outcome, float]:
        loop = asyncio.get_running_loop()
        load, large, small = Load(TimedMachine(16_000), SERVED, 30.0), Outcome(), Outcome()
        if has_history:
            await asyncio.gather(*(load.ask([100] * 128, Outcome()) for _ in range(10)))
        start = loop.time()
        giant = loop.create_task(load.ask([4052] * 253, large))
        await asyncio.gather(*(load.ask([100], small) for _ in range(17)))
        await giant
        return large, small, loop.time() - start

    large, small, seconds = virtual_time.run(simulate())
    assert len(small.waits_s) == 17
    assert max(small.waits_s) < 3
    assert (large.n_too_large, large.n_late) == ((1, 0) if has_history else (0, 1))
    assert seconds < 10  # not when its deadline has passed


def test_a_request_that_is_given_up_early_leaves_the_engine() -> None:
    """Its deadline has not passed, so the engine has to be told."""

    async def simulate() -> tuple[Outcome, int]:
        load, large = Load(TimedMachine(16_000), SERVED, 30.0), Outcome()
        cancelled: list[Item] = []
        load.batcher = Batcher("ner", load.machine, cancelled.extend, SERVED)
        await load.ask([4052] * 253, large)
        return large, len(cancelled)

    large, n_cancelled = virtual_time.run(simulate())
    assert large.n_late == 1
    assert n_cancelled > 0


def test_a_runner_that_was_away_does_not_lower_the_rate() -> None:
    async def simulate() -> Outcome:
        machine = TimedMachine(16_000)
        load, after = Load(machine, SERVED, 30.0), Outcome()
        await asyncio.gather(*(load.ask([100] * 128, Outcome()) for _ in range(10)))
        machine.is_away = True
        for _ in range(60):
            with pytest.raises(Exception, match="being restarted"):
                await load.ask([100], Outcome())
            await asyncio.sleep(1)
        machine.is_away = False
        for _ in range(20):
            await load.ask([100], after)
        await load.ask([100] * 640, after)
        return after

    assert len(virtual_time.run(simulate()).waits_s) == 21
