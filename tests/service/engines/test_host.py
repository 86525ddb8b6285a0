from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from seqserve.errors import ConfigError, DeadlineExceeded, InputError, SeqserveError
from seqserve.records import NerResult
from seqserve.tasks import Task as TaskName
from service.engines import messages
from service.engines.host import (
    FAILED_SENTENCE,
    MISSING_SENTENCE,
    EngineHost,
    Status,
    find_bundles,
    load_function,
)
from service.settings import Settings
from tests import fakes


def make_host(bundles_dir: Path, task: TaskName = "ner", **changes: Any) -> EngineHost:
    changes.setdefault("engine_factory", "tests.fakes:open_engine")
    return EngineHost(task, Settings(bundles_dir=bundles_dir, **changes))


def work(text: str, model: str = "ner-en", **options: Any) -> messages.InferenceItem:
    return messages.InferenceItem("an-id", model, {"text": text, **options}, time.monotonic() + 60)


def answers(
    host: EngineHost, items: list[messages.InferenceItem]
) -> list[messages.InferenceResult | SeqserveError]:
    return messages.unpack_outcomes(host.predict(messages.pack_items(items)))[0]


def test_one_reply_per_text_in_order(bundles_dir: Path) -> None:
    done = answers(make_host(bundles_dir), [work("Ann"), work("x"), work("ROME", labels=["LOC"])])
    assert [[e["text"] for e in one.fields["entities"]] for one in done] == [["Ann"], [], ["ROME"]]  # type: ignore[union-attr]


@pytest.mark.parametrize("n_texts", [1, 2, 7, 32])
@pytest.mark.parametrize("at", [0, -1])
def test_a_text_that_fails_leaves_the_others_alone(
    bundles_dir: Path, n_texts: int, at: int
) -> None:
    texts = [f"T{i}x" for i in range(n_texts)]
    texts[at] = fakes.POISON
    outcomes = answers(make_host(bundles_dir), [work(text) for text in texts])
    for text, outcome in zip(texts, outcomes, strict=True):
        if text == fakes.POISON:
            assert type(outcome) is SeqserveError
            assert str(outcome) == ""
        else:
            assert isinstance(outcome, messages.InferenceResult)
            assert outcome.fields["entities"][0]["text"] == text
    assert len(fakes.OPENED["ner"].batches) <= 2 + 2 * 6  # golden, then halves of halves


def late(text: str, seconds: float) -> messages.InferenceItem:
    return messages.InferenceItem(
        "an-id", "translate-en-zh", {"text": text}, time.monotonic() + seconds
    )


def test_a_text_is_given_up_at_its_deadline_and_no_other(bundles_dir: Path) -> None:
    host = make_host(bundles_dir, "translation")
    items = [late("a b", 60), late(fakes.LONG, 0.05), late("c d", 60)]
    started = time.monotonic()
    outcomes = answers(host, items)
    assert time.monotonic() - started < fakes.LONG_S / 2
    assert [outcome.fields["text"] for outcome in outcomes[::2]] == ["b a", "d c"]  # type: ignore[union-attr]
    assert type(outcomes[1]) is DeadlineExceeded
    assert str(outcomes[1]) == "The deadline passed inside the engine."


def test_a_cancelled_text_is_given_up_and_no_other(bundles_dir: Path) -> None:
    host = make_host(bundles_dir, "translation")
    items = [late(fakes.LONG, 60), late("a b", 60)]
    started = time.monotonic()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(answers, host, items)
        other = threads.submit(answers, host, [late("c d", 60)])
        assert other.result()[0].fields["text"] == "d c"  # type: ignore[union-attr]
        while not call.done():
            host.cancel([items[0].cancellation_id, "of nobody"])
            time.sleep(0.005)
        outcomes = call.result()
    assert time.monotonic() - started < fakes.LONG_S / 2
    assert type(outcomes[0]) is DeadlineExceeded
    assert isinstance(outcomes[1], messages.InferenceResult)
    host.cancel([items[0].cancellation_id])  # too late to mean anything


def test_the_time_left_is_what_travels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks of two processes need not agree."""
    work = messages.InferenceItem("an-id", "a-model", {"text": "a"}, deadline=105.0)
    monkeypatch.setattr(messages, "time", SimpleNamespace(monotonic=lambda: 100.0))
    packed = messages.pack_items([work])
    monkeypatch.setattr(messages, "time", SimpleNamespace(monotonic=lambda: 7.0))
    assert messages.unpack_items(packed) == [replace(work, deadline=12.0)]


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
    outcomes = answers(host, [work("1 2", like), work("3 4", "back"), work("5 6", like)])
    assert [one.fields["text"] for one in outcomes] == ["2 1", "4 3", "6 5"]  # type: ignore[union-attr]
    assert [card.languages for card in host.status.cards] == [["en", "zh"], ["zh", "en"]]


def test_status_survives_the_way(bundles_dir: Path) -> None:
    status = make_host(bundles_dir).status
    assert Status.unpack(status.pack()) == status
    assert status.reason is None
    assert Status.unpack(Status(reason="why").pack()).reason == "why"


def test_no_bundle(tmp_path: Path) -> None:
    assert make_host(tmp_path / "nowhere").status == Status(reason=MISSING_SENTENCE)


@pytest.mark.parametrize(
    "factory", ["tests.fakes:no_such", "no_such_module:open", "json:loads", "builtins:len"]
)
def test_a_factory_that_does_not_work(bundles_dir: Path, factory: str) -> None:
    assert make_host(bundles_dir, engine_factory=factory).status == Status(reason=FAILED_SENTENCE)


def test_a_damaged_bundle(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "ner-en", "ner-en")
    (tmp_path / "ner-en" / "config.json").write_text("{} ")
    assert make_host(tmp_path).status == Status(reason=FAILED_SENTENCE)


def test_a_wrong_golden_answer(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "ner-en", "ner-en", "Other Words")
    assert make_host(tmp_path).status == Status(reason=FAILED_SENTENCE)


@pytest.mark.parametrize(
    ("task", "like", "languages"),
    [("ner", "ner-en", ("de",)), ("translation", "translate-en-zh", ("en", "zh"))],
)
def test_two_bundles_for_one_kind_of_request(
    tmp_path: Path, task: TaskName, like: str, languages: tuple[str, ...]
) -> None:
    fakes.write_bundle_of(tmp_path / "a", like)
    fakes.write_bundle_of(tmp_path / "b", like, name="other", languages=languages)
    assert make_host(tmp_path, task).status == Status(reason=FAILED_SENTENCE)


def test_find_bundles(tmp_path: Path) -> None:
    for name in ("b", "a", ".unfinished"):
        fakes.write_bundle_of(tmp_path / name, "ner-en")
    fakes.write_bundle_of(tmp_path / "c", "sentiment-en")
    (tmp_path / "notes").mkdir()
    assert [path.name for path in find_bundles(tmp_path, "ner")[0]] == ["a", "b"]


@pytest.mark.parametrize("content", ["", "[]", "{}", "1"])
def test_an_unreadable_manifest_is_named_and_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    for name, text in (("broken", content), ("fine", '{"task": "ner"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    assert find_bundles(tmp_path, "ner") == (
        [tmp_path / "fine"],
        [tmp_path / "broken" / "manifest.json"],
    )
    assert "broken/manifest.json" in capsys.readouterr().out


def test_load_function() -> None:
    assert load_function("json:loads") is json.loads
    for reference in ("json:no_such", "no.such:f"):
        with pytest.raises(ConfigError, match=reference):
            load_function(reference)


def test_numbers_of_numpy_become_json() -> None:
    result = NerResult((), np.int64(3))  # type: ignore[arg-type]
    (done,), engine_s = messages.unpack_outcomes(messages.pack_outcomes([result], 0.5))
    assert done == messages.InferenceResult({"entities": []}, 3)
    assert engine_s == 0.5
