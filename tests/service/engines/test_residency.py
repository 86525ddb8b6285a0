"""Which models the gateway asks the engines to load, to evict and to drop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from seqserve.errors import NotReady, UnavailableError
from seqserve.model_info import Changes, ModelInfo
from service.engines.changes import Change
from service.engines.residency import Residency

pytestmark = pytest.mark.anyio

MODEL = ModelInfo("a", "ner", ("en",), ("PER",), "1", "", {}, "fp32", {}, memory_bytes=1)


class Engines:
    """Record the commands that they get, and carry them out."""

    def __init__(self, names: str, maximum: int) -> None:
        self.commands: list[Change] = []
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.error: Exception | None = None
        self.models = {
            f"{name}@1": replace(MODEL, name=name, id="", is_default=name == names[0])
            for name in names
        }
        self.residency = Residency("ner", self.change, maximum)
        self.residency.note(list(self.models.values()))

    async def change(self, change: Change) -> Changes:
        self.commands.append(change)
        if self.error is not None:
            raise self.error
        if change.action == "warm":
            await self.may_load.wait()
        for one in change.models:
            self.models[one] = replace(
                self.models.get(one, replace(MODEL, name=one[0], id="")),
                state="ready" if change.action == "warm" else "unloaded",
                memory_bytes=None if change.action == "drop" else 1,
            )
        self.residency.note(list(self.models.values()))
        return Changes()

    async def release(self) -> list[tuple[str, Sequence[str]]]:
        """Release what is not needed, and return the commands for it."""
        self.commands.clear()
        self.residency.release_soon()
        await asyncio.sleep(0.01)
        return [(one.action, one.models) for one in self.commands]


def use(engines: Engines, *names: str) -> None:
    for name in names:
        with engines.residency.using((f"{name}@1",)):
            pass


@pytest.mark.parametrize(
    ("maximum", "uses", "evicted"),
    [
        pytest.param(0, "", (), id="no-maximum"),
        pytest.param(4, "", (), id="below-the-maximum"),
        pytest.param(2, "", ("d@1", "c@1"), id="the-least-preferred-of-those-that-were-not-used"),
        pytest.param(3, "dcb", ("d@1",), id="the-least-recently-used"),
        pytest.param(2, "dbcd", ("b@1", "c@1"), id="the-last-use-counts"),
        pytest.param(1, "bcd", ("b@1", "c@1", "d@1"), id="all-but-the-default"),
    ],
)
async def test_what_is_evicted(maximum: int, uses: str, evicted: tuple[str, ...]) -> None:
    engines = Engines("abcd", maximum)
    use(engines, *uses)
    expected = [("evict", evicted), ("drop", tuple(sorted(evicted)))] if evicted else []
    assert await engines.release() == expected
    assert await engines.release() == []


async def test_a_model_with_pending_requests_is_not_evicted() -> None:
    engines = Engines("abc", 2)
    with engines.residency.using(("c@1", "c@1")):
        assert await engines.release() == [("evict", ("b@1",)), ("drop", ("b@1",))]
    engines = Engines("abc", 1)
    with engines.residency.using(("b@1", "c@1")):
        assert await engines.release() == []
    assert await engines.release() == [("evict", ("b@1", "c@1")), ("drop", ("b@1", "c@1"))]


async def test_an_evicted_model_is_dropped_when_its_last_request_is_answered() -> None:
    engines = Engines("ab", 1)
    await engines.change(Change("evict", ("b@1",)))
    with engines.residency.using(("b@1",)):  # accepted before the gateway knew of it
        assert await engines.release() == []
    assert await engines.release() == [("drop", ("b@1",))]


async def test_health_checks_are_not_uses() -> None:
    engines = Engines("abc", 2)
    use(engines, "c")
    with engines.residency.using(("b@1",), is_request=False):
        pass
    assert (await engines.release())[0] == ("evict", ("b@1",))


async def test_a_model_that_has_just_been_loaded_is_not_the_first_to_go() -> None:
    engines = Engines("abc", 3)
    use(engines, "b", "c")
    await engines.change(Change("warm", ("d@1",)))
    assert (await engines.release())[0] == ("evict", ("b@1",))


async def test_concurrent_requests_load_a_model_once() -> None:
    engines = Engines("ab", 1)
    engines.may_load.clear()
    end = time.monotonic() + 10
    loads = [asyncio.create_task(engines.residency.load("c@1", end)) for _ in range(50)]
    await asyncio.sleep(0.01)
    loads[0].cancel()  # its client is gone
    engines.may_load.set()
    await asyncio.gather(*loads[1:])
    assert engines.commands == [Change("warm", ("c@1",))]


async def test_loading_goes_on_after_a_deadline() -> None:
    engines = Engines("a", 1)
    engines.may_load.clear()
    with pytest.raises(NotReady, match="b@1 is being loaded; send the request again"):
        await engines.residency.load("b@1", time.monotonic() + 0.01)
    waiting = asyncio.create_task(engines.residency.load("b@1", time.monotonic() + 10))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    engines.may_load.set()
    await waiting
    assert engines.commands == [Change("warm", ("b@1",))]


async def test_a_model_is_not_evicted_while_requests_wait_for_it() -> None:
    engines = Engines("abc", 2)
    await engines.change(Change("evict", ("c@1",)))
    engines.may_load.clear()
    waiting = asyncio.create_task(engines.residency.load("c@1", time.monotonic() + 10))
    await asyncio.sleep(0.01)
    assert await engines.release() == []  # nor dropped
    engines.may_load.set()
    await waiting
    assert (await engines.release())[0] == ("evict", ("b@1",))


async def test_a_model_that_ends_its_process_is_not_tried_again_and_again() -> None:
    engines = Engines("a", 1)
    engines.error = ConnectionResetError()

    async def load() -> None:
        await engines.residency.load("b@1", time.monotonic() + 10)

    for _ in range(2):
        faults = await asyncio.gather(load(), load(), return_exceptions=True)
        assert [str(one) for one in faults] == ["b@1 could not be loaded now."] * 2
    with pytest.raises(UnavailableError, match="its process ended twice"):
        await load()
    assert len(engines.commands) == 2
    engines.residency.forget_crashes()
    engines.error = None
    await load()
    assert engines.models["b@1"].state == "ready"


async def test_a_crash_that_does_not_come_again_is_forgotten() -> None:
    engines = Engines("a", 1)
    for error in (ConnectionResetError(), None) * 2:
        engines.error = error
        try:
            await engines.residency.load("b@1", time.monotonic() + 10)
        except UnavailableError:
            assert error is not None
    assert len(engines.commands) == 4


async def test_engines_that_do_not_answer() -> None:
    engines = Engines("ab", 1)
    engines.error = ConnectionResetError()
    assert (await engines.release())[0] == ("evict", ("b@1",))  # refused
    engines.error = None
    assert (await engines.release())[0] == ("evict", ("b@1",))  # again
