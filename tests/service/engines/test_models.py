"""Which models a host loads, and what it reports about those that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.engines import codec
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
