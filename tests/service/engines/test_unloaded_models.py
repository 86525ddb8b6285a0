"""Which models a host keeps in memory when their number is limited, and what it reports about the others."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from seqserve.model_info import Changes
from service.engines.changes import Change
from service.engines.host import EngineHost
from service.engines.messages import InferenceResult
from tests import fakes
from tests.service.engines.test_host import answers, make_host, work
from tests.service.engines.test_models import damage, states, version

RELOAD = Change("reload")
N_BUNDLES = 20


def write(folder: Path, *names: str) -> None:
    """Write models; the name `b2` is model b in version 2.0."""
    for name in names:
        fakes.write_bundle_of(
            folder / name,
            "ner-en",
            name=name[0],
            version=f"{name[1:]}.0",
            thresholds={"min_score": 0.1},
        )


def in_memory(host: EngineHost) -> list[str]:
    return [one.id for one in host.status.models if one.memory_bytes is not None]


def unloaded(host: EngineHost) -> list[str]:
    return [one.id for one in host.status.models if one.state == "unloaded"]


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        pytest.param({}, [f"m@{i}.0" for i in range(20, 0, -1)], id="no-maximum"),
        pytest.param({"max_loaded_models": 3}, ["m@20.0", "m@19.0", "m@18.0"], id="newest"),
        pytest.param(
            {"max_loaded_models": 3, "default_models": "ner=m@4.0"},
            ["m@4.0", "m@20.0", "m@19.0"],
            id="default-first",
        ),
        pytest.param(
            {"max_loaded_models": 1, "default_models": "ner=m@4.0"},
            ["m@4.0"],
            id="only-the-default",
        ),
    ],
)
def test_what_is_loaded_at_start(
    tmp_path: Path, settings: dict[str, object], loaded: list[str]
) -> None:
    write(tmp_path, *(f"m{i}" for i in range(1, N_BUNDLES + 1)))
    host = make_host(tmp_path, **settings)
    assert (in_memory(host), host.fault) == (loaded, None)
    assert len(unloaded(host)) == N_BUNDLES - len(loaded)
    assert host.status.models[0].id == loaded[0] and host.status.models[0].is_default


def test_an_unloaded_model_reports_the_same_as_a_loaded_one_but_its_memory(tmp_path: Path) -> None:
    write(tmp_path, "a1", "b2")
    host = make_host(tmp_path, max_loaded_models=1)
    first = host.status.models[1]
    host.change(Change("warm", ("a@1.0",)))
    loaded = host.status.models[1]
    assert (first.id, first.state, first.memory_bytes) == ("a@1.0", "unloaded", None)
    assert (loaded.id, loaded.state, type(loaded.memory_bytes)) == ("a@1.0", "ready", int)
    assert (first.sha256, first.thresholds) == (loaded.sha256, loaded.thresholds)


def test_a_bundle_that_fails_at_start_leaves_its_place_to_another(tmp_path: Path) -> None:
    write(tmp_path, "a1", "b2", "c3", "d4")
    damage(tmp_path / "d4")
    host = make_host(tmp_path, max_loaded_models=2)
    assert states(host.status) == {
        "c@3.0": "ready",
        "d@4.0": "failed",
        "b@2.0": "ready",
        "a@1.0": "unloaded",
    }


def test_a_model_that_cannot_be_loaded_is_tried_again_only_after_a_reload(tmp_path: Path) -> None:
    write(tmp_path, "a1", "b2")
    damage(tmp_path / "a1")
    host = make_host(tmp_path, max_loaded_models=1)
    warm = Change("warm", ("a@1.0",))
    assert list(host.change(warm).failed) == ["a@1.0"]
    assert states(host.status)["a@1.0"] == "failed"
    assert host.change(warm) == Changes()
    (tmp_path / "a1" / "config.json").write_bytes(b"{}")
    host.change(RELOAD)
    assert unloaded(host) == ["a@1.0"]
    assert host.change(warm) == Changes(loaded=("a@1.0",))


def test_an_evicted_model_answers_until_it_is_dropped_and_its_memory_is_released(
    tmp_path: Path,
) -> None:
    write(tmp_path, "a1", "b2")
    host = make_host(tmp_path, max_loaded_models=2)
    released = weakref.ref(fakes.OPENED_BY_ID["a@1.0"])
    fakes.OPENED_BY_ID.clear()
    fakes.OPENED.clear()
    assert host.change(Change("evict", ("a@1.0", "b@2.0"))) == Changes(unloading=("a@1.0",))
    assert states(host.status) == {"b@2.0": "ready", "a@1.0": "unloaded"}  # b is the default
    assert isinstance(answers(host, [work("Ann", "a@1.0")])[0], InferenceResult)
    assert host.change(Change("warm", ("a@1.0",))) == Changes()
    assert states(host.status)["a@1.0"] == "ready" and not fakes.OPENED_BY_ID  # it was still there
    host.change(Change("evict", ("a@1.0",)))
    assert host.change(Change("drop", ("a@1.0", "b@2.0"))) == Changes()
    assert (in_memory(host), unloaded(host), released()) == (["b@2.0"], ["a@1.0"], None)


def replace_a(folder: Path) -> None:
    shutil.rmtree(folder / "a1")
    fakes.write_bundle_of(folder / "a1", "ner-en", name="a", version="1.0", labels=("NEW",))


def spoil_manifest(folder: Path) -> None:
    write(folder, "a2")
    path = folder / "a2" / "manifest.json"
    path.write_text(path.read_text().replace('"created": "2026-01-31"', '"created": "never"'))


@pytest.mark.parametrize(
    ("edit", "loaded", "not_loaded"),
    [
        pytest.param(lambda path: None, ["d@8.0", "c@6.0"], ["b@4.0", "a@1.0"], id="nothing"),
        pytest.param(
            lambda path: write(path, "e7"),
            ["d@8.0", "c@6.0"],
            ["e@7.0", "b@4.0", "a@1.0"],
            id="another-name",
        ),
        pytest.param(
            lambda path: write(path, "e9"),
            ["e@9.0", "d@8.0", "c@6.0"],
            ["b@4.0", "a@1.0"],
            id="new-default",
        ),
        pytest.param(
            lambda path: write(path, "c7"),
            ["d@8.0", "c@7.0", "c@6.0"],
            ["b@4.0", "a@1.0"],
            id="new-version-of-a-loaded-model",
        ),
        pytest.param(
            lambda path: write(path, "c5", "a2"),
            ["d@8.0", "c@6.0"],
            ["c@5.0", "b@4.0", "a@2.0", "a@1.0"],
            id="other-versions",
        ),
        pytest.param(
            lambda path: shutil.rmtree(path / "a1"), ["d@8.0", "c@6.0"], ["b@4.0"], id="gone"
        ),
        pytest.param(replace_a, ["d@8.0", "c@6.0"], ["b@4.0", "a@1.0"], id="changed"),
        pytest.param(spoil_manifest, ["d@8.0", "c@6.0"], ["b@4.0", "a@1.0"], id="malformed"),
    ],
)
def test_reload(
    tmp_path: Path, edit: Callable[[Path], object], loaded: list[str], not_loaded: list[str]
) -> None:
    write(tmp_path, "a1", "b4", "c6", "d8")
    host = make_host(tmp_path, max_loaded_models=2)
    edit(tmp_path)
    host.change(RELOAD)
    assert (in_memory(host), unloaded(host)) == (loaded, not_loaded)
    is_changed = edit is replace_a
    assert (host.status.models[-1].labels == ("NEW",)) == is_changed
    assert states(host.status).get("a@2.0") == {spoil_manifest: "failed"}.get(
        edit, "unloaded" if "a@2.0" in not_loaded else None
    )


def test_a_model_that_is_unloaded_by_name_is_not_loaded_for_requests(tmp_path: Path) -> None:
    write(tmp_path, "a1", "b2", "c3")
    host = make_host(tmp_path, max_loaded_models=1)
    assert host.change(Change("unload", ("a",))).fault is None
    host.change(RELOAD)
    assert states(host.status) == {"c@3.0": "ready", "b@2.0": "unloaded"}
    assert host.change(Change("load", ("a",))) == Changes(loaded=("a@1.0",))


def test_the_next_default_is_loaded_when_the_default_is_unloaded(tmp_path: Path) -> None:
    write(tmp_path, "a1", "b2", "c3")
    host = make_host(tmp_path, max_loaded_models=1)
    host.change(Change("warm", ("a@1.0",)))
    assert host.change(Change("unload", ("c",))) == Changes(("b@2.0",), ("c@3.0",))
    assert [one.id for one in host.status.models if one.is_default] == ["b@2.0"]


def test_versions_below_the_name_of_a_model(tmp_path: Path) -> None:
    for number in ("1.0", "1.1", "1.2"):
        version(tmp_path, number)
    host = make_host(tmp_path, max_loaded_models=1)
    assert (in_memory(host), unloaded(host)) == (["ner-en@1.2"], ["ner-en@1.1", "ner-en@1.0"])
