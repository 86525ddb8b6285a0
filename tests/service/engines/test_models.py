"""Which models a host loads, and what it reports about those that fail."""

from __future__ import annotations

import shutil
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import UnavailableError
from seqserve.model_info import Changes
from service.engines import codec
from service.engines.changes import Change
from service.engines.messages import InferenceResult
from service.engines.models import FAILED_SENTENCE, MISSING_SENTENCE, Status
from tests import fakes
from tests.service.engines.test_host import answers, make_host, work


def states(status: Status) -> dict[str, str]:
    return {model.id: model.state for model in status.models}


def test_no_bundle(tmp_path: Path) -> None:
    host = make_host(tmp_path / "nowhere")
    assert host.status == Status(reason=MISSING_SENTENCE)
    assert host.fault is not None and "does not exist" in host.fault


@pytest.mark.parametrize(
    "factory", ["tests.fakes:no_such", "no_such_module:open", "json:loads", "builtins:len"]
)
def test_a_factory_that_does_not_work(bundles_dir: Path, factory: str) -> None:
    host = make_host(bundles_dir, engine_factory=factory)
    assert (host.status.reason, states(host.status)) == (
        FAILED_SENTENCE,
        {"ner-en@1.0.0": "failed"},
    )
    assert host.fault is not None


def damage(directory: Path) -> None:
    (directory / "config.json").write_text("{} ")


def test_a_damaged_bundle(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "mine", "ner-en")
    damage(tmp_path / "mine")
    host = make_host(tmp_path)
    (model,) = host.status.models
    assert (host.status.reason, model.state, model.labels) == (
        FAILED_SENTENCE,
        "failed",
        ("LOC", "PER"),
    )
    assert model.reason == (
        "bundle mine is not as it should be: config.json has 3 bytes instead of 2: copy it again"
    )
    assert host.fault is not None and str(tmp_path) in host.fault


def test_a_wrong_golden_answer(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "ner-en", "ner-en", "Other Words")
    host = make_host(tmp_path)
    assert host.status.reason == FAILED_SENTENCE
    reason = host.status.models[0].reason or ""
    assert reason.startswith("ner-en: golden case 0 has another answer")
    assert str(tmp_path) not in reason


def test_an_error_of_another_program_is_not_public(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError(f"cannot read {path}")

    monkeypatch.setattr(fakes, "open_engine", fail)
    fakes.write_bundle_of(tmp_path / "ner-en", "ner-en")
    host = make_host(tmp_path)
    assert host.status.models[0].reason == "it could not be opened; the log has the details"
    assert host.fault is not None and "RuntimeError: cannot read" in host.fault


def test_a_bad_bundle_leaves_the_others_serving(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "new", "ner-en", version="2.0")
    fakes.write_bundle_of(tmp_path / "old", "ner-en", version="1.0")
    damage(tmp_path / "new")
    host = make_host(tmp_path)
    assert (host.status.reason, host.fault) == (None, None)
    assert states(host.status) == {"ner-en@1.0": "ready", "ner-en@2.0": "failed"}
    assert [model.is_default for model in host.status.models] == [True, False]
    (result,) = answers(host, [work("Ann", "ner-en@1.0")])
    assert result.fields["entities"][0]["text"] == "Ann"  # type: ignore[union-attr]


def test_models_are_in_order_of_preference(tmp_path: Path) -> None:
    for name, version in (("a", "1.0"), ("b", "1.10"), ("c", "1.9")):
        fakes.write_bundle_of(tmp_path / name, "ner-en", name=name, version=version)
    assert list(states(make_host(tmp_path).status)) == ["b@1.10", "c@1.9", "a@1.0"]
    status = make_host(tmp_path, default_models="ner=a").status
    assert list(states(status)) == ["a@1.0", "b@1.10", "c@1.9"]
    assert [model.is_default for model in status.models] == [True, False, False]
    assert codec.unpack_status(codec.pack_status(status)) == status


def test_a_default_model_that_does_not_exist(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "a", "ner-en")
    host = make_host(tmp_path, default_models="ner=b,translation=c")
    assert host.status == Status(reason=FAILED_SENTENCE)
    assert host.fault == (
        "SEQSERVE_DEFAULT_MODELS: no bundle of ner is named b; there is: ner-en@1.0.0"
    )


def test_two_bundles_with_one_id(tmp_path: Path) -> None:
    for name in ("a", "b"):
        fakes.write_bundle_of(tmp_path / name, "ner-en")
    host = make_host(tmp_path)
    assert host.status == Status(reason=FAILED_SENTENCE)
    assert host.fault is not None and "two bundles of model ner-en@1.0.0: a and b." in host.fault


def version(directory: Path, number: str, **changes: Any) -> Path:
    """Write a version of a model beside the others."""
    (directory / "ner-en").mkdir(parents=True, exist_ok=True)
    path = directory / "ner-en" / number
    fakes.write_bundle_of(path, "ner-en", version=number, **changes)
    return path


RELOAD = Change("reload")


def test_a_new_version_takes_over_and_the_old_one_goes_when_it_is_dropped(tmp_path: Path) -> None:
    old = version(tmp_path, "1.0")
    host = make_host(tmp_path)
    engine = fakes.OPENED_BY_ID["ner-en@1.0"]
    version(tmp_path, "2.0")
    assert host.change(RELOAD) == Changes(loaded=("ner-en@2.0",))
    assert list(states(host.status)) == ["ner-en@2.0", "ner-en@1.0"]
    shutil.rmtree(old)
    assert host.change(RELOAD) == Changes(unloading=("ner-en@1.0",))
    assert states(host.status) == {"ner-en@2.0": "ready", "ner-en@1.0": "unloading"}
    (result,) = answers(host, [work("Ann", "ner-en@1.0")])
    assert isinstance(result, InferenceResult)  # accepted before
    released = weakref.ref(engine)
    fakes.OPENED_BY_ID.clear()
    fakes.OPENED.clear()
    del engine
    assert host.change(Change("drop", ("ner-en@1.0", "ner-en@2.0"))) == Changes()
    assert states(host.status) == {"ner-en@2.0": "ready"}
    assert released() is None
    (gone,) = answers(host, [work("Ann", "ner-en@1.0")])
    assert isinstance(gone, UnavailableError)


def test_a_bundle_that_is_replaced_is_swapped_in(tmp_path: Path) -> None:
    path = version(tmp_path, "1.0")
    host = make_host(tmp_path)
    first = fakes.OPENED_BY_ID["ner-en@1.0"]
    assert host.change(RELOAD) == Changes()
    assert fakes.OPENED_BY_ID["ner-en@1.0"] is first  # it was not opened again
    shutil.rmtree(path)
    version(tmp_path, "1.0", config=b'{"new": 1}')
    assert host.change(RELOAD) == Changes(loaded=("ner-en@1.0",))
    assert fakes.OPENED_BY_ID["ner-en@1.0"] is not first


def test_a_call_keeps_the_model_that_it_began_with(tmp_path: Path) -> None:
    path = version(tmp_path, "1.0")
    host = make_host(tmp_path)
    first = fakes.OPENED_BY_ID["ner-en@1.0"]
    first.batches.clear()
    first.may_go_on.clear()
    with ThreadPoolExecutor() as threads:
        call = threads.submit(host.predict, [work("Ann", "ner-en@1.0")])
        while not first.n_running:
            time.sleep(0.001)
        shutil.rmtree(path)
        version(tmp_path, "1.0", config=b'{"new": 1}')
        host.change(RELOAD)
        assert isinstance(host.predict([work("Bob", "ner-en@1.0")]).results[0], InferenceResult)
        first.may_go_on.set()
        assert isinstance(call.result().results[0], InferenceResult)
    assert first.batches == [["Ann"]]


@pytest.mark.parametrize("is_old_gone", [False, True])
def test_a_bundle_that_fails_leaves_the_old_version_serving(
    tmp_path: Path, is_old_gone: bool
) -> None:
    old = version(tmp_path, "1.0")
    host = make_host(tmp_path)
    damage(version(tmp_path, "2.0"))
    if is_old_gone:
        shutil.rmtree(old)
    changes = host.change(RELOAD)
    assert (changes.loaded, changes.unloading, list(changes.failed)) == ((), (), ["ner-en@2.0"])
    assert states(host.status) == {"ner-en@1.0": "ready", "ner-en@2.0": "failed"}
    assert host.status.reason is None
    shutil.rmtree(tmp_path / "ner-en" / "2.0")
    version(tmp_path, "2.0")  # repaired
    changes = host.change(RELOAD)
    assert changes.loaded == ("ner-en@2.0",)
    assert changes.unloading == (("ner-en@1.0",) if is_old_gone else ())


def test_a_replaced_bundle_that_fails_leaves_the_old_one_serving(tmp_path: Path) -> None:
    path = version(tmp_path, "1.0")
    host = make_host(tmp_path)
    shutil.rmtree(path)
    version(tmp_path, "1.0", text="Other Words")
    assert list(host.change(RELOAD).failed) == ["ner-en@1.0"]
    (model,) = host.status.models
    assert model.state == "ready"
    assert (model.reason or "").startswith("a newer bundle could not be loaded: ")
    assert isinstance(answers(host, [work("Ann", "ner-en@1.0")])[0], InferenceResult)


def test_a_failed_bundle_that_is_removed_is_forgotten(tmp_path: Path) -> None:
    version(tmp_path, "1.0")
    damage(bad := version(tmp_path, "2.0"))
    host = make_host(tmp_path)
    shutil.rmtree(bad)
    host.change(RELOAD)
    assert states(host.status) == {"ner-en@1.0": "ready"}


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        pytest.param(shutil.rmtree, "does not exist", id="folder-gone"),
        pytest.param(lambda path: shutil.rmtree(path / "ner-en"), "no bundle of task", id="empty"),
        pytest.param(
            lambda path: fakes.write_bundle_of(path / "copy", "ner-en", version="1.0"),
            "two bundles of model ner-en@1.0",
            id="twice",
        ),
    ],
)
def test_a_folder_that_cannot_be_right_changes_nothing(
    tmp_path: Path, spoil: Callable[[Path], object], fault: str
) -> None:
    folder = tmp_path / "bundles"
    version(folder, "1.0")
    host = make_host(folder)
    spoil(folder)
    changes = host.change(RELOAD)
    assert changes.fault is not None and fault in changes.fault
    assert states(host.status) == {"ner-en@1.0": "ready"}


def test_unload_and_load_by_name(tmp_path: Path) -> None:
    version(tmp_path, "1.0")
    version(tmp_path, "2.0")
    host = make_host(tmp_path)
    assert host.change(Change("unload", ("nobody",))) == Changes()
    assert host.change(Change("unload", ("ner-en@2.0",))) == Changes(unloading=("ner-en@2.0",))
    assert host.status.models[0].id == "ner-en@1.0" and host.status.models[0].is_default
    assert host.change(RELOAD) == Changes()  # it stays unloaded
    host.change(Change("drop", ("ner-en@2.0",)))
    assert host.change(RELOAD) == Changes()
    assert host.change(Change("load", ("ner-en@2.0",))) == Changes(loaded=("ner-en@2.0",))
    assert host.change(Change("load", ("nobody",))) == Changes()


def test_a_model_that_comes_back_before_it_is_dropped(tmp_path: Path) -> None:
    version(tmp_path, "1.0")
    version(tmp_path, "2.0")
    host = make_host(tmp_path)
    first = fakes.OPENED_BY_ID["ner-en@2.0"]
    host.change(Change("unload", ("ner-en@2.0",)))
    assert host.change(Change("load", ("ner-en",))) == Changes(loaded=("ner-en@2.0",))
    assert states(host.status) == {"ner-en@2.0": "ready", "ner-en@1.0": "ready"}
    assert fakes.OPENED_BY_ID["ner-en@2.0"] is first


@pytest.mark.parametrize(
    ("name", "default", "fault"),
    [
        ("ner-en", None, "no other model of ner is ready"),
        ("ner-en@2.0", "ner-en@2.0", "it is the default model of SEQSERVE_DEFAULT_MODELS"),
    ],
)
def test_a_model_that_the_task_needs_is_not_unloaded(
    tmp_path: Path, name: str, default: str | None, fault: str
) -> None:
    version(tmp_path, "1.0")
    version(tmp_path, "2.0")
    host = make_host(tmp_path, default_models=f"ner={default}" if default else ())
    changes = host.change(Change("unload", (name,)))
    assert changes.fault is not None and changes.fault.endswith(fault)
    assert set(states(host.status).values()) == {"ready"}
