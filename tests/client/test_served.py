"""Both clients against a real server with fake engines in its runners."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqserve import errors
from seqserve.client import AsyncClient, Client, Policy, ServerUnreachable
from tests import fakes
from tests.client.conftest import Caller
from tests.serving import FAKES, START_S, Serve, free_port, running_server

SMALL = {"SEQSERVE_TOPOLOGY": "embedded", "SEQSERVE_CALLS": "1", **FAKES}

SLOW_ONES = [f"text {i} {'' if i % 8 else fakes.SLOW}" for i in range(48)]  # half a second in eight


@pytest.fixture(scope="module")
def bundles_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_bundles(tmp_path_factory.mktemp("served") / "bundles")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, bundles_dir: Path) -> Iterator[Serve]:
    """Run a server whose queue holds few texts."""
    limits = {"SEQSERVE_MAX_TEXTS": "8", "SEQSERVE_MAX_QUEUE_TEXTS": "8"}
    with running_server(tmp_path_factory.mktemp("serve"), bundles_dir, **SMALL, **limits) as serve:
        yield serve


@pytest.fixture
def call(call: Caller, served: Serve) -> Caller:
    """Without the policy of the other tests."""
    call.url, call.options = served.base, {}
    return call


def test_the_three_tasks(call: Caller) -> None:
    (found,) = call.over("ner", "Ann in ROME", labels=["LOC"])
    assert [(entity.text, entity.label, entity.start) for entity in found.entities] == [
        ("ROME", "LOC", 7)
    ]
    fine, bad = call.over("sentiment", ["Fine.", "A bad one. Fine."], sentences=True)
    assert (fine.label, bad.label) == ("positive", "negative")
    assert [one.label for one in bad.sentences] == ["negative", "positive"]
    answer = call.over("translate", "a b c", source="en", target="zh", max_tokens=2, alternatives=1)
    assert answer[0].text == "c b" and answer[0].warnings == ("truncated",)
    assert [one.text for one in answer[0].alternatives] == ["c b 0"]
    (receipt,) = answer.receipts
    assert (receipt.model, receipt.version) == ("translate-en-zh", "1.0.0")
    assert set(receipt.timings_ms) == {"queue", "pre", "model", "post", "total"}
    assert answer.n_tokens == 3


def test_the_other_routes(call: Caller, served: Serve) -> None:
    assert {model.name for model in call.over("models")} == set(fakes.DESCRIPTIONS)
    assert call.over("health").is_ready and call.over("is_alive")
    assert "seqserve_requests_total" in call.over("metrics")
    assert set(call.over("openapi")["paths"]) >= {"/v1/ner", "/v1/models"}


def test_request_ids_are_those_of_the_log(call: Caller, served: Serve) -> None:
    (receipt,) = call.over("ner", "a").receipts
    with pytest.raises(errors.InputError) as caught:
        call.over("translate", "a", beam_size=9)
    for request_id in (receipt.request_id, caught.value.request_id):
        served.wait_until_logged(f'"request_id":"{request_id}"')


def test_more_texts_than_the_server_takes_at_once(call: Caller) -> None:
    texts = [f"Name{i} b" for i in range(100)]
    answer = call.over("ner", texts)
    assert [found.entities[0].text for found in answer] == [text.split()[0] for text in texts]
    assert all(receipt.n_texts <= 8 for receipt in answer.receipts)


def test_compressed_and_large(call: Caller) -> None:
    call.options["policy"] = Policy(gzip=True)
    text = "word " * 3000
    assert call.over("translate", text)[0].text == text.strip()


def test_a_bad_text_is_named_as_the_caller_counts(call: Caller) -> None:
    with pytest.raises(errors.InputError, match=r"^text\[21\]: is blank") as caught:
        call.over("sentiment", ["a"] * 21 + [""], on_blank="error")
    assert caught.value.text_index == 21
    with pytest.raises(errors.SeqserveError, match=r"^text\[9\] could not be") as caught:
        call.over("sentiment", ["a"] * 9 + [fakes.POISON])
    assert type(caught.value) is errors.SeqserveError and caught.value.text_index == 9


@pytest.mark.parametrize("method", ["ner", "sentiment", "translate"])
def test_a_text_that_fails_leaves_the_others_their_results(call: Caller, method: str) -> None:
    """In several requests; the index is that of the caller's list."""
    texts = ["Ann"] * 9 + [fakes.POISON] + ["Ann"] * 9 + [fakes.REFUSED]
    answer = call.over(method, texts, partial=True)
    assert len(answer) == len(texts) and list(answer.errors) == [9, 19]
    assert [one.code for one in answer.errors.values()] == ["internal", "invalid_field"]
    assert answer[8] == answer[10] == answer.outcomes[0] and answer[:9] == answer.outcomes[:9]
    with pytest.raises(errors.SeqserveError, match=r"^text\[9\]: could not be") as caught:
        answer[9]
    assert (type(caught.value), caught.value.text_index) == (errors.SeqserveError, 9)
    with pytest.raises(errors.InputError, match=r"^text\[19\]: has a word") as refused:
        answer[-1]
    assert refused.value.text_index == 19
    with pytest.raises(errors.SeqserveError):
        list(answer)


def test_blank_texts(call: Caller) -> None:
    assert call.over("ner", ["Ann", " "])[1].entities == ()
    found = call.over("sentiment", ["\u200b", "fine"])
    assert (found[0].label, found[0].score, dict(found[0].scores)) == (None, 0.0, {})
    assert call.over("translate", ["\n", "a b"])[0].text == "\n"


def test_a_deadline_is_kept_by_server_and_client(call: Caller) -> None:
    started = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        call.over("sentiment", [fakes.SLOW] * 8, timeout_s=0.3)
    assert time.monotonic() - started < 2.0  # and not the 4 that they take


def test_an_overloaded_server_is_waited_for(served: Serve) -> None:
    """With more callers than the queue can hold, all get an answer, some after retries."""

    async def run() -> list[int]:
        policy = Policy(attempts=20, longest_wait_s=0.5, max_texts=8, concurrency=6)
        async with AsyncClient(served.base, policy=policy) as client:
            answer = await client.sentiment(SLOW_ONES)
        assert len(answer) == len(SLOW_ONES)
        return [receipt.n_attempts for receipt in answer.receipts]

    attempts = asyncio.run(run())
    assert len(attempts) == 6 and max(attempts) > 1


def test_an_overloaded_server_is_told_where_one_attempt_is_allowed(served: Serve) -> None:
    async def run() -> None:
        policy = Policy(attempts=1, max_texts=8, concurrency=6)
        async with AsyncClient(served.base, policy=policy) as client:
            await client.sentiment(SLOW_ONES)

    with pytest.raises(errors.Overloaded, match="The queue is full") as caught:
        asyncio.run(run())
    assert caught.value.retry_after_s >= 1


def test_a_cancelled_call_stops_the_work(served: Serve) -> None:
    async def run() -> float:
        async with AsyncClient(served.base) as client:
            before = abandoned(await client.metrics())
            task = asyncio.create_task(client.translate(fakes.LONG, timeout_s=30))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for _ in range(50):
                if (now := abandoned(await client.metrics())) > before:
                    return now - before
                await asyncio.sleep(0.1)
        return 0.0

    assert asyncio.run(run()) == 1


def abandoned(page: str) -> float:
    """Return how many translations the server started and abandoned."""
    pattern = r'^seqserve_abandoned_texts_total\{.*task="translation".*\} (\S+)$'
    lines = re.findall(pattern, page, re.MULTILINE)
    return sum(map(float, lines))


@pytest.mark.slow
def test_calls_go_on_through_a_restart(tmp_path: Path, bundles_dir: Path) -> None:
    port = free_port()
    serve = Serve(tmp_path, bundles_dir, port, **SMALL)
    found: list[int] = []
    try:
        serve.wait_until_ready(START_S)
        stopped = threading.Event()

        def keep_asking() -> None:
            with Client(serve.base, policy=Policy(attempts=50, longest_wait_s=1)) as client:
                while not stopped.is_set():
                    (receipt,) = client.translate("a b").receipts
                    found.append(receipt.n_attempts)
                    time.sleep(0.01)

        asking = threading.Thread(target=keep_asking)
        asking.start()
        while not found:
            time.sleep(0.01)
        assert serve.stop() == 0
        serve = Serve(tmp_path, bundles_dir, port, **SMALL)
        serve.wait_until_ready(START_S)
        n_then = len(found)
        while len(found) < n_then + 5 and asking.is_alive():
            time.sleep(0.05)
        stopped.set()
        asking.join(60)
        assert len(found) >= n_then + 5  # the thread did not end with an error
        assert max(found) > 1
    finally:
        serve.kill()


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        Client(f"{url}/base", policy=Policy(attempts=2)) as client,
        pytest.raises(ServerUnreachable, match=f"no answer from {url}: ConnectError"),
    ):
        client.ner("a")


def test_keys_and_their_limits(tmp_path: Path, bundles_dir: Path) -> None:
    from service.http.keys import new_key

    key, line = new_key("alice", 2)
    (tmp_path / "keys").write_text(line + "\n")
    with running_server(
        tmp_path, bundles_dir, SEQSERVE_API_KEYS_FILE=str(tmp_path / "keys"), **SMALL
    ) as serve:
        with Client(serve.base) as client, pytest.raises(errors.MissingKey):
            client.models()
        with Client(serve.base, api_key="wrong") as client, pytest.raises(errors.UnknownKey):
            client.models()
        with Client(serve.base, api_key=key, timeout_s=5) as client:
            client.models()
            client.ner("a")
            started = time.monotonic()
            with pytest.raises(errors.RateLimited) as caught:  # 30 s are more than 5
                client.ner("a")
            assert time.monotonic() - started < 1 and caught.value.retry_after_s > 20
