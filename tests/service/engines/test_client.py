from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from seqserve.errors import NotReady, SeqserveError, UnavailableError
from seqserve.model_info import Changes, ModelInfo
from service.engines import client
from service.engines.backend import LocalBackend
from service.engines.changes import Change
from service.engines.client import EngineClient
from service.engines.host import EngineHost
from service.engines.messages import InferenceItem, InferenceResult
from service.engines.models import Status
from service.queue.batcher import Reply
from service.settings import Settings

pytestmark = pytest.mark.anyio

MODEL = ModelInfo("m", "ner", ("en",), ("PER",), "1", "0" * 64, {}, "fp32", {})


def work(seconds: float) -> list[InferenceItem]:
    return [InferenceItem("id", "m", {"text": "a"}, time.monotonic() + seconds)]


WORKS = [InferenceItem("id", "m", {"text": "a"}, time.monotonic() + 60)]


class EngineBackend:
    """Engines that a test can make unavailable."""

    def __init__(self) -> None:
        self.is_closed = False
        self.n_pings = 0
        self.error: Exception | None = None
        self.says = Status((MODEL,))
        self.is_away = False
        self.is_stuck = False
        self.is_deadly = False
        self.n_calls = 0
        self.cancelled: list[str] = []

    async def status(self) -> Status:
        self.n_pings += 1
        if self.is_stuck:
            await asyncio.sleep(60)
        if self.is_away:
            raise ConnectionRefusedError
        return self.says

    async def predict(self, items: Sequence[InferenceItem]) -> Reply[InferenceResult]:
        if any(type(item.item["text"]) is not str for item in items):
            raise TypeError  # as the codec does
        self.n_calls += 1
        if self.error is not None:
            raise self.error
        if self.is_away or self.is_deadly:
            raise ConnectionResetError
        return Reply([SeqserveError("")] * len(items), 0.5)

    async def cancel(self, cancellation_ids: list[str]) -> None:
        if self.is_away:
            raise ConnectionResetError
        self.cancelled += cancellation_ids

    async def close(self) -> None:
        self.is_closed = True


async def until_up(link: EngineClient) -> None:
    for _ in range(300):
        if link.is_up:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came up")


async def test_a_link_is_down_until_the_engines_answer() -> None:
    engines = EngineBackend()
    engines.is_away = True
    link = EngineClient("ner", engines, 1.0)
    with pytest.raises(NotReady, match="ner: still loading"):
        link.require_up()
    link.connect()
    await asyncio.sleep(0.02)
    assert await link.ping() == "still loading"
    engines.is_away = False
    await until_up(link)
    assert link.models == (MODEL,)
    assert await link.ping() is None


async def test_a_crash_is_noticed_and_so_is_the_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    link.connect()
    await until_up(link)
    engines.is_away = True
    with pytest.raises(UnavailableError, match="does not answer"):
        await link.predict(work(0.05))
    link.require_up()  # it may recover soon
    monkeypatch.setattr(client, "_RECOVERY_S", 0.01)
    with pytest.raises(UnavailableError, match="does not answer"):
        link.require_up()
    with pytest.raises(UnavailableError, match="does not answer"):
        await link.predict(work(5.0))
    await asyncio.sleep(client._FRESH_S)
    assert await link.ping() == "does not answer"
    engines.is_away = False
    await until_up(link)


async def test_a_call_that_breaks_is_tried_again_when_the_engines_are_back() -> None:
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    link.connect()
    await until_up(link)
    engines.is_away = True
    call = asyncio.create_task(link.predict(work(5.0)))
    await asyncio.sleep(0.02)
    assert not link.is_up and not call.done()
    engines.is_away = False
    assert len((await call).results) == 1
    assert (engines.n_calls, link.n_answered) == (2, 1)


async def test_there_is_no_third_try() -> None:
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    link.connect()
    await until_up(link)
    engines.is_deadly = True
    with pytest.raises(ConnectionResetError):
        await link.predict(work(5.0))
    assert (engines.n_calls, link.n_answered) == (2, 0)


async def test_what_cannot_be_packed_says_nothing_about_the_engines() -> None:
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    assert await link.ping() is None
    with pytest.raises(TypeError):
        await link.predict([InferenceItem("id", "m", {"text": object()}, time.monotonic() + 60)])
    assert link.is_up and engines.n_calls == 0


async def test_a_ping_never_hangs() -> None:
    engines = EngineBackend()
    engines.is_stuck = True
    link = EngineClient("ner", engines, 0.01)
    assert await asyncio.wait_for(link.ping(), 1) == "still loading"


async def test_the_reason_of_a_failed_start() -> None:
    engines = EngineBackend()
    engines.says = Status(reason="bad golden case")
    link = EngineClient("ner", engines, 1.0)
    link.connect()
    await asyncio.sleep(0.02)
    with pytest.raises(NotReady, match="ner: bad golden case"):
        link.require_up()
    await link.close()
    assert engines.is_closed


def model_up() -> float:
    value = REGISTRY.get_sample_value("seqserve_model_up", {"task": "watched"})
    assert value is not None
    return value


async def test_engines_that_fall_silent_are_noticed_without_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_WATCH_S", 0.01)
    engines = EngineBackend()
    link = EngineClient("watched", engines, 0.05)
    link.connect()
    await until_up(link)
    assert model_up() == 1
    engines.is_stuck = True
    for _ in range(300):
        await asyncio.sleep(0.01)
        if not model_up():
            break
    with pytest.raises(UnavailableError, match="does not answer"):
        await link.predict(WORKS)
    engines.is_stuck = False
    await until_up(link)
    assert model_up() == 1
    await link.close()


async def test_engines_are_told_what_to_cancel() -> None:
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    link.cancel(WORKS)
    await asyncio.sleep(0.01)
    assert engines.cancelled == [WORKS[0].cancellation_id]
    engines.is_away = True
    link.cancel(WORKS)  # without any effect
    await asyncio.sleep(0.01)
    assert await link.ping() == "still loading"


async def test_embedded_engines_open_in_the_background(bundles_dir: Path) -> None:
    may_open = threading.Event()
    settings = Settings(bundles_dir=bundles_dir, engine_factory="tests.fakes:open_engine")

    def make_host() -> EngineHost:
        may_open.wait(10)
        return EngineHost("ner", settings)

    engines = LocalBackend(make_host, 1)
    link = EngineClient("ner", engines, 0.01)
    assert await link.ping() == "still loading"
    assert await link.ping() == "still loading"  # the first timeout had no effect
    may_open.set()
    link.connect()
    await until_up(link)
    reply = await link.predict(
        [InferenceItem("id", "ner-en@1.0.0", {"text": "Ann"}, time.monotonic() + 60)]
    )
    (done,) = reply.results
    assert isinstance(done, InferenceResult)
    assert done.fields["entities"][0]["text"] == "Ann"
    await engines.close()


async def test_many_callers_of_a_probe_are_one_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FRESH_S", 60.0)
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    for _ in range(4):
        assert set(await asyncio.gather(*(link.ping() for _ in range(400)))) == {None}
    assert engines.n_pings == 1


async def test_pings_that_others_miss_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FRESH_S", 0.0)
    engines = EngineBackend()
    link = EngineClient("ner", engines, 0.02)
    assert await link.ping() is None
    engines.is_stuck = True
    for _ in range(10):
        assert await link.ping() == "does not answer"
    assert link.is_up
    link.connect()  # its own pings count
    await asyncio.sleep(0.5)
    assert not link.is_up
    await link.close()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_used_up_descriptors_say_nothing_about_the_engines(number: int) -> None:
    engines = EngineBackend()
    link = EngineClient("ner", engines, 1.0)
    assert await link.ping() is None
    engines.error = OSError(number, "Too many open files")
    with pytest.raises(UnavailableError, match="No file descriptor is left"):
        await link.predict(work(5.0))
    assert link.is_up and engines.n_calls == 1


async def test_loading_a_model_waits_for_engines_that_come_back() -> None:
    class Changing(EngineBackend):
        def __init__(self) -> None:
            super().__init__()
            self.commands: list[str] = []

        async def change(self, change: Change) -> Changes:
            self.commands.append(change.action)
            if self.is_away:
                raise ConnectionResetError
            return Changes()

    engines = Changing()
    link = EngineClient("ner", engines, 1.0, max_loaded=1)
    link.connect()
    await until_up(link)
    engines.is_away = True
    for _ in range(2):
        with pytest.raises(UnavailableError, match="could not be loaded now"):
            await link.load("b@1", time.monotonic() + 10)
        assert not link.is_up
        with pytest.raises(UnavailableError, match="does not answer"):
            await link.load("b@1", time.monotonic() + 0.01)
        engines.is_away = False
        await until_up(link)
        engines.is_away = True
    assert engines.commands == ["warm", "warm"]
    with pytest.raises(UnavailableError, match="ended twice"):
        await link.load("b@1", time.monotonic() + 10)
    engines.is_away = False
    await link.change(Change("reload"))
    await link.load("b@1", time.monotonic() + 10)
    assert engines.commands == ["warm", "warm", "reload", "warm"]
    await link.close()
