from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqserve.errors import (
    ConfigError,
    DeadlineExceeded,
    InputError,
    SeqserveError,
    UnavailableError,
)
from seqserve.records import Entity, NerResult
from seqserve.tasks import Task as TaskName
from service.engines import codec, messages
from service.engines.host import EngineHost
from service.engines.models import Status
from service.engines.opening import load_function
from service.queue.batcher import Reply
from service.settings import Settings
from tests import fakes


def make_host(bundles_dir: Path, task: TaskName = "ner", **changes: Any) -> EngineHost:
    changes.setdefault("engine_factory", "tests.fakes:open_engine")
    return EngineHost(task, Settings(bundles_dir=bundles_dir, **changes))


def work(text: str, model: str = "ner-en@1.0.0", **options: Any) -> messages.InferenceItem:
    return messages.InferenceItem("an-id", model, {"text": text, **options}, time.monotonic() + 60)


def answers(
    host: EngineHost, items: list[messages.InferenceItem]
) -> list[messages.InferenceResult | SeqserveError]:
    """Return the outcomes that the gateway receives, with the engines in its own or in another process."""
    local = list(host.predict(items).results)
    reply = host.compute(codec.unpack_items(codec.pack_items(items)), codec.encode_part)
    remote = list(codec.unpack_reply(codec.pack_reply(reply)).results)
    assert [_comparable(one) for one in remote] == [_comparable(one) for one in local]
    return remote


def _comparable(outcome: object) -> object:
    is_error = isinstance(outcome, Exception)
    return (type(outcome), str(outcome)) if is_error else outcome


def test_one_reply_per_text_in_order(bundles_dir: Path) -> None:
    done = answers(make_host(bundles_dir), [work("Ann"), work("x"), work("ROME", labels=["LOC"])])
    assert [[e["text"] for e in one.fields["entities"]] for one in done] == [["Ann"], [], ["ROME"]]  # type: ignore[union-attr]


@pytest.mark.parametrize("n_texts", [1, 2, 7, 32])
@pytest.mark.parametrize("at", [0, -1])
@pytest.mark.parametrize("fault", [fakes.POISON, fakes.PANIC])
def test_a_text_that_fails_leaves_the_others_alone(
    bundles_dir: Path, n_texts: int, at: int, fault: str
) -> None:
    texts = [f"T{i}x" for i in range(n_texts)]
    texts[at] = fault
    outcomes = answers(make_host(bundles_dir), [work(text) for text in texts])
    for text, outcome in zip(texts, outcomes, strict=True):
        if text == fault:
            assert type(outcome) is SeqserveError
            assert str(outcome) == ""
        else:
            assert isinstance(outcome, messages.InferenceResult)
            assert outcome.fields["entities"][0]["text"] == text
    assert len(fakes.OPENED["ner"].batches) <= 3 + 2 * 2 * 6  # golden, then twice halves of halves


def late(text: str, seconds: float) -> messages.InferenceItem:
    return messages.InferenceItem(
        "an-id", "translate-en-zh@1.0.0", {"text": text}, time.monotonic() + seconds
    )


def test_a_text_is_given_up_at_its_deadline_and_no_other(bundles_dir: Path) -> None:
    host = make_host(bundles_dir, "translation")
    items = [late("a b", 60), late(fakes.LONG, 0.05), late("c d", 60)]
    started = time.monotonic()
    outcomes = host.predict(items).results
    assert time.monotonic() - started < fakes.LONG_S / 2
    assert [outcome.fields["text"] for outcome in outcomes[::2]] == ["b a", "d c"]  # type: ignore[union-attr]
    assert type(outcomes[1]) is DeadlineExceeded
    assert str(outcomes[1]) == "The deadline passed inside the engine."


def test_a_text_that_is_complete_is_kept_after_its_deadline(bundles_dir: Path) -> None:
    """A partial request gets what was complete when another text of the call was given up."""
    host = make_host(bundles_dir, "translation")
    first, late_one, last = host.predict(
        [late("a b", 0.05), late(fakes.LONG, 0.05), late("c d", 0.05)]
    ).results
    assert isinstance(late_one, DeadlineExceeded)
    assert [one.fields["text"] for one in (first, last)] == ["b a", "d c"]  # type: ignore[union-attr]


def test_a_cancelled_text_is_given_up_and_no_other(bundles_dir: Path) -> None:
    host = make_host(bundles_dir, "translation")
    items = [late(fakes.LONG, 60), late("a b", 60)]
    started = time.monotonic()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(host.predict, items)
        other = threads.submit(host.predict, [late("c d", 60)])
        assert other.result().results[0].fields["text"] == "d c"  # type: ignore[union-attr]
        while not call.done():
            host.cancel([items[0].cancellation_id, "of nobody"])
            time.sleep(0.005)
        outcomes = call.result().results
    assert time.monotonic() - started < fakes.LONG_S / 2
    assert type(outcomes[0]) is DeadlineExceeded
    assert isinstance(outcomes[1], messages.InferenceResult)
    host.cancel([items[0].cancellation_id])  # too late to have an effect


def test_the_time_left_is_what_travels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks of two processes need not agree."""
    work = messages.InferenceItem("an-id", "a-model", {"text": "a"}, deadline=105.0, golden_case=3)
    monkeypatch.setattr(codec, "time", SimpleNamespace(monotonic=lambda: 100.0))
    packed = codec.pack_items([work])
    monkeypatch.setattr(codec, "time", SimpleNamespace(monotonic=lambda: 7.0))
    assert codec.unpack_items(packed) == [replace(work, deadline=12.0)]


def test_an_error_that_is_the_callers_fault_keeps_its_message(bundles_dir: Path) -> None:
    (outcome,) = answers(make_host(bundles_dir), [work(fakes.REFUSED)])
    assert type(outcome) is InputError
    assert str(outcome) == "has a word that this model refuses."


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda items: [], id="too-few"),
        pytest.param(lambda items: [NerResult((), 1)] * (len(items) + 1), id="too-many"),
        pytest.param(lambda items: [object()] * len(items), id="no-json"),
    ],
)
def test_an_engine_that_breaks_its_promise(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    host = make_host(bundles_dir)
    monkeypatch.setattr(fakes.OPENED["ner"], "predict", answer)
    outcomes = answers(host, [work("a"), work("b")])
    assert [type(outcome) for outcome in outcomes] == [SeqserveError, SeqserveError]


def test_a_result_that_is_no_json_fails_its_own_text(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make_host(bundles_dir)
    answer = [NerResult((), 1), object(), NerResult((), 2)]
    monkeypatch.setattr(fakes.OPENED["ner"], "predict", lambda items: answer)
    outcomes = answers(host, [work("a"), work("b"), work("c")])
    assert [type(outcome) for outcome in outcomes] == [
        messages.InferenceResult,
        SeqserveError,
        messages.InferenceResult,
    ]


def test_options_that_do_not_fit_the_record_fail_their_own_text(bundles_dir: Path) -> None:
    outcomes = answers(make_host(bundles_dir), [work("a", beam=4), work("b")])
    assert type(outcomes[0]) is SeqserveError
    assert isinstance(outcomes[1], messages.InferenceResult)


def test_texts_of_two_models_in_one_batch(tmp_path: Path) -> None:
    like = "translate-en-zh"
    fakes.write_bundle_of(tmp_path / "a", like)
    fakes.write_bundle_of(tmp_path / "b", like, name="back", languages=("zh", "en"))
    host = make_host(tmp_path, "translation")
    asked = (("1 2", like), ("3 4", "back"), ("5 6", like))
    outcomes = answers(host, [work(text, f"{name}@1.0.0") for text, name in asked])
    assert [one.fields["text"] for one in outcomes] == ["2 1", "4 3", "6 5"]  # type: ignore[union-attr]
    assert [model.languages for model in host.status.models] == [("zh", "en"), ("en", "zh")]


def test_a_model_that_is_not_loaded_fails_its_texts_alone(bundles_dir: Path) -> None:
    gone, fine = answers(make_host(bundles_dir), [work("a", "gone@1"), work("Ann")])
    assert type(gone) is UnavailableError
    assert str(gone).startswith("gone@1 was unloaded")
    assert isinstance(fine, messages.InferenceResult)


def test_a_model_that_fails_leaves_the_texts_of_another_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fakes.write_bundle_of(tmp_path / name, "ner-en", name=name)
    host = make_host(tmp_path)
    fakes.OPENED_BY_ID["a@1.0.0"].answer = None  # type: ignore[method-assign, assignment]
    outcomes = answers(host, [work("Ann", f"{name}@1.0.0") for name in "abab"])
    assert [isinstance(one, messages.InferenceResult) for one in outcomes] == [False, True] * 2


def test_status_survives_the_way(bundles_dir: Path) -> None:
    status = make_host(bundles_dir).status
    assert codec.unpack_status(codec.pack_status(status)) == status
    assert status.reason is None
    assert codec.unpack_status(codec.pack_status(Status(reason="why"))).reason == "why"


def test_load_function() -> None:
    assert load_function("json:loads") is json.loads
    for reference in ("json:no_such", "no.such:f"):
        with pytest.raises(ConfigError, match=reference):
            load_function(reference)


def test_numbers_of_numpy_become_json() -> None:
    entity = Entity("a", "PER", np.int64(0), np.int64(1), np.float32(0.5))  # type: ignore[arg-type]
    result = NerResult((entity,), np.int64(3))  # type: ignore[arg-type]
    fields = {"text": "a", "label": "PER", "start": 0, "end": 1, "score": 0.5}
    expected = messages.InferenceResult({"entities": [fields], "alternatives": []}, 3)
    assert messages.to_inference_result(result) == expected
    packed = codec.pack_reply(Reply([codec.encode_part(result)], 0.5))
    assert codec.unpack_reply(packed) == Reply([expected], 0.5)


@pytest.mark.parametrize("encode", [codec.encode_part, messages.to_inference_result])
def test_a_value_that_json_cannot_represent(encode: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        encode(NerResult((object(),)))  # type: ignore[arg-type]


def golden(number: int, **options: Any) -> messages.InferenceItem:
    item = work("a text of no golden case", **options)
    item.golden_case = number
    return item


@pytest.mark.parametrize("number", [0, 7])
def test_a_golden_case_in_the_place_of_a_text(bundles_dir: Path, number: int) -> None:
    host = make_host(bundles_dir)
    engine = fakes.OPENED["ner"]
    expected = engine.bundle.golden()[0]["input"]["text"]  # type: ignore[union-attr]
    engine.batches.clear()
    host.predict([golden(number), work("Ann")])
    assert engine.batches == [[expected, "Ann"]]


def make_wrong_host(bundles_dir: Path, monkeypatch: pytest.MonkeyPatch) -> EngineHost:
    """Return a host whose results differ from the golden cases after the start."""
    host = make_host(bundles_dir)
    engine = fakes.OPENED["ner"]
    right = engine.answer
    monkeypatch.setattr(engine, "answer", lambda item: replace(right(item), n_tokens=77))
    return host


def test_a_golden_case_with_another_answer_fails_alone(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make_wrong_host(bundles_dir, monkeypatch)
    wrong, plain = answers(host, [golden(0), work("Ann")])
    assert isinstance(wrong, SeqserveError) and str(wrong) == ""
    assert isinstance(plain, messages.InferenceResult)


def test_a_late_golden_case_is_not_wrong(
    bundles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = make_wrong_host(bundles_dir, monkeypatch)
    late = golden(0)
    late.deadline = time.monotonic() - 1
    (outcome,) = host.predict([late]).results
    assert isinstance(outcome, DeadlineExceeded)


def test_a_bundle_without_golden_cases_gets_the_text(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "ner-en", "ner-en", n_golden=0)
    (outcome,) = make_host(tmp_path).predict([golden(3)]).results
    assert isinstance(outcome, messages.InferenceResult)
