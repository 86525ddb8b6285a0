from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seqserve.bundle_folder import tasks_in
from seqserve.errors import ConfigError
from seqserve.model_info import ModelInfo
from service.engines.repository import (
    FoundBundle,
    check_distinct,
    find_bundles,
    newest_first,
    select_default,
    version_key,
)
from tests import fakes
from tests.fakes import model_info


def test_find_bundles(tmp_path: Path) -> None:
    for name in ("b", "a", ".unfinished"):
        fakes.write_bundle_of(tmp_path / name, "ner-en")
    fakes.write_bundle_of(tmp_path / "c", "sentiment-en")
    (tmp_path / "notes").mkdir()
    assert [found.path.name for found in find_bundles(tmp_path)[0] if found.task == "ner"] == [
        "a",
        "b",
    ]


def test_versions_are_one_level_deeper_and_beside_flat_bundles(tmp_path: Path) -> None:
    fakes.write_bundle_of(tmp_path / "flat", "ner-en", name="flat")
    for version in ("1.0", "2.0", "2.1"):
        (tmp_path / "ner-en").mkdir(exist_ok=True)
        fakes.write_bundle_of(tmp_path / "ner-en" / version, "ner-en", version=version)
    (tmp_path / "ner-en" / "2.1").rename(tmp_path / "ner-en" / ".2.1")
    (tmp_path / "too" / "deep").mkdir(parents=True)
    fakes.write_bundle_of(tmp_path / "too" / "deep" / "1.0", "ner-en", version="9.0")
    found, unreadable = find_bundles(tmp_path)
    assert [one.id for one in found] == ["flat@1.0.0", "ner-en@1.0", "ner-en@2.0"]
    assert [one.where for one in found] == ["flat", "ner-en/1.0", "ner-en/2.0"]
    assert unreadable == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not JSON: "),
        ("{", "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ("[]", "holds no JSON object"),
        ("1", "holds no JSON object"),
        ("{}", "has no task; tasks are ner, "),
        ('{"task": null}', "has the task 'None'; tasks are ner, "),
        ('{"task": "nre"}', "has the task 'nre'; tasks are ner, "),
        ('{"task": ["ner"]}', "has the task \"['ner']\"; tasks are ner, "),
    ],
)
def test_an_unreadable_manifest_is_named_and_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, reason: str
) -> None:
    for name, text in (("broken", content), ("fine", '{"task": "ner"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    found, (unreadable,) = find_bundles(tmp_path)
    assert [one.path for one in found] == [tmp_path / "fine"]
    assert (unreadable.path, unreadable.where) == (tmp_path / "broken", "broken")
    assert unreadable.reason.startswith(f"manifest.json {reason}")
    assert "broken/manifest.json" in capsys.readouterr().out


def make_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 30)


NO_MANIFESTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe": (os.mkfifo, "manifest.json is not a regular file; copy"),
    "a link to a device": (
        lambda path: path.symlink_to("/dev/zero"),
        "manifest.json is not a regular",
    ),
    "a directory": (Path.mkdir, "manifest.json is not a regular file; copy"),
    "a link to itself": (lambda path: path.symlink_to(path), "manifest.json cannot be read: "),
    "a link to nothing": (lambda path: path.symlink_to("gone"), "manifest.json cannot be read: No"),
    "huge": (
        make_huge,
        "manifest.json has more than 4,194,304 bytes, the most that are read; copy",
    ),
}


@pytest.mark.parametrize(("make", "reason"), NO_MANIFESTS.values(), ids=NO_MANIFESTS)
def test_what_is_no_manifest_is_passed_over_at_once(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    fakes.write_bundle_of(tmp_path / "fine", "ner-en")
    (tmp_path / "odd").mkdir()
    make(tmp_path / "odd" / "manifest.json")
    found, (unreadable,) = find_bundles(tmp_path)
    assert [one.path.name for one in found] == ["fine"]
    assert unreadable.where == "odd" and unreadable.reason.startswith(reason)
    assert "ner" in tasks_in(tmp_path)


def bundle(name: str, version: str, created: str = "2026-01-31") -> FoundBundle:
    manifest = {"name": name, "version": version, "created": created}
    return FoundBundle(Path("bundles", name, version), manifest, "")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.9.0", "0.10.0"),
        ("1.0", "1.0.1"),
        ("1.0rc1", "1.0"),
        ("1.0-rc.2", "1.0-rc.10"),
        ("v1", "v2"),
        ("2026-01-31", "2026-02-01"),
        ("", "0"),
        ("1." + "9" * 5000, "1.1" + "0" * 5000),
    ],
)
def test_versions_are_compared_as_numbers(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


def test_the_newest_is_first_then_the_latest_then_by_name() -> None:
    found = [
        bundle("b", "1.9"),
        bundle("a", "1.9"),
        bundle("c", "1.9", created="2026-02-01"),
        bundle("d", "1.10"),
    ]
    assert [one.name for one in newest_first(found)] == ["d", "c", "a", "b"]


def test_two_bundles_with_one_id() -> None:
    twice = [bundle("a", "1.0"), FoundBundle(Path("copy"), bundle("a", "1.0").manifest, "")]
    with pytest.raises(
        ConfigError, match=r"two bundles of model a@1\.0: a/1\.0 and copy\. Keep one"
    ):
        check_distinct(twice)
    check_distinct([bundle("a", "1.0"), bundle("a", "1.1"), bundle("b", "1.0")])


EN_ZH = model_info("a", task="translation", languages=("en", "zh"))
ZH_EN = model_info("b", task="translation", languages=("zh", "en"))


@pytest.mark.parametrize(
    ("models", "setting", "chosen"),
    [
        pytest.param([model_info("a"), model_info("b")], None, "a@1", id="newest"),
        pytest.param(
            [model_info("a", state="failed"), model_info("b")],
            None,
            "b@1",
            id="newest-that-is-ready",
        ),
        pytest.param([model_info("a"), model_info("b")], "b", "b@1", id="set"),
        pytest.param([model_info("a", "2"), model_info("a")], "a@1", "a@1", id="set-with-version"),
        pytest.param(
            [model_info("a", "2", state="failed"), model_info("a")], "a", "a@1", id="set-by-name"
        ),
        pytest.param(
            [model_info("a"), model_info("b", state="failed")], "b", "b@1", id="set-and-failed"
        ),
        pytest.param([model_info("a")], "c", None, id="set-and-missing"),
        pytest.param([model_info("a", state="failed")], None, None, id="none-is-ready"),
        pytest.param([EN_ZH, ZH_EN], None, None, id="two-pairs"),
        pytest.param([EN_ZH, ZH_EN], "b", "b@1", id="two-pairs-and-set"),
        pytest.param([EN_ZH], None, "a@1", id="one-pair"),
    ],
)
def test_the_default_model(
    models: list[ModelInfo], setting: str | None, chosen: str | None
) -> None:
    default = select_default(models, setting)
    assert (default and default.id) == chosen
