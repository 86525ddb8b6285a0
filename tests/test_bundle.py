"""A bundle on disk: it is read as written, errors name the file, and writing is atomic."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqserve import bundle as bundle_module
from seqserve.bundle import (
    FORMAT_VERSION,
    Bundle,
    describe_bundle,
    load_bundle,
    replace_bundle,
    write_bundle,
)
from seqserve.errors import BundleError
from seqserve.manifest import DataSource, Description, FileEntry

DESCRIPTION = Description(
    name="ner-en",
    version="1.2.0",
    task="ner",
    languages=("en",),
    labels=("PER", "LOC"),
    precision="int8",
    limits={"max_tokens": 256, "max_chars": 2000},
    data=(DataSource("Sätze 1.0", "CC-BY-4.0", "news, for training", {"train": 10, "test": 2}),),
    licence="Apache-2.0",
    metrics={"f1_test": 0.91},
    tools={"torch": "2.13.0", "onnx": "1.23.2"},
    created="2026-01-31",
)

GOLDEN = {
    "tolerance": 0.001,
    "cases": [{"input": {"text": "Ada"}, "output": {"label": "PER", "score": 0.9}}],
}

FILES = {
    "model.onnx": b"\x08\x0agraph" * 1000,
    "config.json": b'{"n_layers": 2}',
    "vocabulary.txt": "ä\nb\n".encode(),
    "golden.json": json.dumps(GOLDEN).encode(),
    "MODEL_CARD.md": b"# A model\n",
}


@pytest.fixture
def written(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "ner-en", FILES, DESCRIPTION)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


# --- round trip ---


def test_a_written_bundle_loads_as_it_was_written(written: Bundle) -> None:
    loaded = load_bundle(written.path)
    assert loaded == written
    assert loaded.config == {"n_layers": 2}
    assert loaded.manifest.format_version == FORMAT_VERSION
    for field in ("name", "task", "languages", "labels", "limits", "data", "metrics", "created"):
        assert getattr(loaded.manifest, field) == getattr(DESCRIPTION, field)
    for name, content in FILES.items():
        expected = FileEntry(hashlib.sha256(content).hexdigest(), len(content))
        assert loaded.manifest.files[name] == expected
        assert loaded.file(name).read_bytes() == content


def test_thresholds_may_be_missing(written: Bundle, tmp_path: Path) -> None:
    assert written.manifest.thresholds == {}
    edit_manifest(thresholds=None)(written.path)
    assert load_bundle(written.path) == written
    described = replace(DESCRIPTION, thresholds={"low_confidence": -1.2})
    again = write_bundle(tmp_path / "again", FILES, described)
    assert load_bundle(again.path).manifest.thresholds == {"low_confidence": -1.2}
    assert again.sha256 == written.sha256


def test_the_directory_holds_the_files_and_the_manifest_only(written: Bundle) -> None:
    assert contents(written.path).keys() == {*FILES, "manifest.json"}
    assert [path.name for path in written.path.parent.iterdir()] == ["ner-en"]


def test_the_same_input_gives_the_same_bytes(written: Bundle, tmp_path: Path) -> None:
    reordered = replace(DESCRIPTION, tools=dict(reversed(DESCRIPTION.tools.items())))
    again = write_bundle(tmp_path / "again", dict(reversed(FILES.items())), reordered)
    assert contents(again.path) == contents(written.path)
    assert again.sha256 == written.sha256


def test_the_manifest_reads_well(written: Bundle) -> None:
    text = (written.path / "manifest.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "created": "2026-01-31",\n  "data": [\n')
    assert text.endswith("}\n")
    assert "Sätze" in text
    assert list(json.loads(text)) == sorted(json.loads(text))


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    files=st.dictionaries(
        st.from_regex(
            r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}\.(onnx|txt|safetensors|md)", fullmatch=True
        ),
        st.binary(max_size=50),
        max_size=4,
    ),
    text=st.text(st.characters(codec="utf-8"), max_size=20),
    metric=st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_bytes_and_any_text_come_back(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], text: str, metric: float
) -> None:
    directory = tmp_path_factory.mktemp("any") / "bundle"
    description = replace(DESCRIPTION, licence=text, labels=(text,), metrics={text: metric})
    write_bundle(directory, {**files, "config.json": b"{}"}, description)
    loaded = load_bundle(directory)
    assert {name: loaded.file(name).read_bytes() for name in files} == files
    assert (loaded.manifest.licence, loaded.manifest.labels) == (text, (text,))
    assert loaded.manifest.metrics == {text: metric}


def test_a_directory_that_is_a_symlink_to_a_bundle_loads(written: Bundle, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(written.path)
    assert load_bundle(tmp_path / "current").sha256 == written.sha256


# --- identity, files, golden cases ---


def test_the_identity_follows_contents_and_names(written: Bundle, tmp_path: Path) -> None:
    same = write_bundle(tmp_path / "other", FILES, replace(DESCRIPTION, version="9"))
    changed = write_bundle(
        tmp_path / "changed", {**FILES, "model.onnx": FILES["model.onnx"][::-1]}, DESCRIPTION
    )
    moved = {("b.onnx" if name == "model.onnx" else name): data for name, data in FILES.items()}
    renamed = write_bundle(tmp_path / "renamed", moved, DESCRIPTION)
    assert same.sha256 == written.sha256
    assert len({written.sha256, changed.sha256, renamed.sha256}) == 3


@pytest.mark.parametrize("name", ["missing.onnx", "manifest.json", "../model.onnx", ""])
def test_a_file_that_is_not_listed_is_refused_and_the_others_are_named(
    written: Bundle, name: str
) -> None:
    with pytest.raises(BundleError) as caught:
        written.file(name)
    assert repr(name) in str(caught.value)
    assert "it has: MODEL_CARD.md, config.json, golden.json, model.onnx" in str(caught.value)


def test_golden_cases_and_their_tolerance(written: Bundle) -> None:
    assert written.golden() == GOLDEN["cases"]
    assert written.golden_tolerance() == GOLDEN["tolerance"]


@pytest.mark.parametrize(
    ("golden", "message"),
    [
        pytest.param(None, "has no file 'golden.json'", id="absent"),
        pytest.param(b"{", "golden.json is not JSON", id="not JSON"),
        pytest.param(b"[]", "golden.json holds a list, not an object", id="a list"),
        pytest.param(b'{"cases": []}', "missing @ .*golden.json.tolerance", id="no tolerance"),
        pytest.param(b'{"tolerance": "x", "cases": []}', "expected float", id="no number"),
        pytest.param(
            b'{"tolerance": 0, "cases": [{"input": {}}]}', r"cases\[0\].output", id="no output"
        ),
        pytest.param(
            b'{"tolerance": 0, "cases": [{"input": {}, "output": {}, "more": 1}]}',
            "more",
            id="unknown key",
        ),
    ],
)
def test_malformed_golden_cases_are_refused(
    tmp_path: Path, golden: bytes | None, message: str
) -> None:
    files = {name: content for name, content in FILES.items() if name != "golden.json"}
    if golden is not None:
        files["golden.json"] = golden
    bundle = write_bundle(tmp_path / "bundle", files, DESCRIPTION)
    with pytest.raises(BundleError, match=message):
        bundle.golden()


# --- loading: one row per problem ---


def edit_manifest(**changes: Any) -> Callable[[Path], None]:
    """Change top-level keys of the manifest; None removes one."""

    def edit(directory: Path) -> None:
        path = directory / "manifest.json"
        values = {**json.loads(path.read_bytes()), **changes}
        kept = {key: value for key, value in values.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")

    return edit


def list_file(name: str, content: bytes = b"") -> Callable[[Path], None]:
    """Add a name to the manifest's table of files, without a file."""

    def edit(directory: Path) -> None:
        table = json.loads((directory / "manifest.json").read_bytes())["files"]
        table[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        edit_manifest(files=table)(directory)

    return edit


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_bytes(content)


def remove(name: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).unlink()


def move_the_bundle_away(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))


def put_a_file_in_its_place(directory: Path) -> None:
    move_the_bundle_away(directory)
    directory.write_bytes(b"")


def swap_a_file_for_a_symlink(directory: Path) -> None:
    outside = directory.with_name("outside.onnx")
    (directory / "model.onnx").rename(outside)
    (directory / "model.onnx").symlink_to(outside)


def swap_the_manifest_for_a_symlink(directory: Path) -> None:
    outside = directory.with_name("outside.json")
    (directory / "manifest.json").rename(outside)
    (directory / "manifest.json").symlink_to(outside)


def swap_the_manifest_for_a_directory(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").mkdir()


def swap_the_manifest_for_a_pipe(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    os.mkfifo(directory / "manifest.json")


def swap_the_manifest_for_a_device(directory: Path) -> None:
    (directory / "manifest.json").unlink()
    (directory / "manifest.json").symlink_to("/dev/zero")


def write_a_huge_manifest(directory: Path) -> None:
    """Write a sparse file, which takes no room."""
    os.truncate(directory / "manifest.json", 1 << 30)


def list_a_config_that_is_no_object(directory: Path) -> None:
    (directory / "config.json").write_bytes(b"[1]")
    list_file("config.json", b"[1]")(directory)


def list_no_config(directory: Path) -> None:
    (directory / "config.json").unlink()
    table = json.loads((directory / "manifest.json").read_bytes())["files"]
    del table["config.json"]
    edit_manifest(files=table)(directory)


ENTRY = {"sha256": "0", "bytes": 0}

PROBLEMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no directory": (move_the_bundle_away, "ner-en is not a directory"),
    "a file": (put_a_file_in_its_place, "ner-en is not a directory"),
    "no manifest": (remove("manifest.json"), "manifest.json is missing"),
    "manifest is a directory": (
        swap_the_manifest_for_a_directory,
        "manifest.json is not a regular file",
    ),
    "manifest is a pipe": (swap_the_manifest_for_a_pipe, "manifest.json is not a regular file"),
    "manifest is a device": (swap_the_manifest_for_a_device, "manifest.json is not a regular file"),
    "manifest is huge": (write_a_huge_manifest, "manifest.json has more than 4,194,304 bytes"),
    "a limit of nothing": (
        edit_manifest(limits={"max_tokens": 0}),
        "limits: max_tokens is 0; a limit",
    ),
    "manifest is a symlink": (swap_the_manifest_for_a_symlink, "manifest.json is no regular file"),
    "manifest is not JSON": (write("manifest.json", b"{"), "manifest.json is not JSON"),
    "manifest is not UTF-8": (
        write("manifest.json", b'{"a": "\xff"}'),
        "manifest.json is not JSON",
    ),
    "manifest is a list": (write("manifest.json", b"[]"), "manifest.json holds a list"),
    "unknown key": (edit_manifest(colour="red"), "extra fields found (colour)"),
    "missing key": (edit_manifest(licence=None), "missing @ manifest.json.licence"),
    "unknown task": (edit_manifest(task="poetry"), "manifest.json.task"),
    "unknown precision": (edit_manifest(precision="int3"), "manifest.json.precision"),
    "number as text": (edit_manifest(limits={"max_tokens": "9"}), "limits['max_tokens']"),
    "threshold as text": (edit_manifest(thresholds={"a": "-1"}), "thresholds['a']"),
    "threshold without end": (
        edit_manifest(thresholds={"a": float("nan")}),
        "thresholds: a is nan; choose it again",
    ),
    "truth as number": (edit_manifest(format_version=True), "manifest.json.format_version"),
    "table is a list": (edit_manifest(files=[]), "manifest.json.files"),
    "entry has unknown key": (edit_manifest(files={"a.txt": {**ENTRY, "mode": 1}}), "(mode)"),
    "entry lacks a key": (edit_manifest(files={"a.txt": {"bytes": 0}}), "files['a.txt'].sha256"),
    "newer format": (
        edit_manifest(format_version=FORMAT_VERSION + 1, new_key=1),
        "this bundle has format 4, this program reads 3: upgrade seqserve",
    ),
    "older format": (
        edit_manifest(format_version=1),
        "format_version is 1; this program reads 2 to 3: export the model again",
    ),
    "one language": (edit_manifest(task="translation"), "exactly (source, target)"),
    "no date": (edit_manifest(created="yesterday"), "created is 'yesterday'"),
    "a name like an id": (
        edit_manifest(name="ner-en@1"),
        "name is 'ner-en@1'; use up to 99 letters",
    ),
    "a name with a path": (edit_manifest(name="../ner"), "name is '../ner'"),
    "a name with control characters": (edit_manifest(name="a\u202e\0"), r"name is 'a\u202e\x00'"),
    "no version": (edit_manifest(version=""), "version is ''"),
    "a version of many digits": (edit_manifest(version="9" * 100), f"version is '{'9' * 40}...';"),
    "endless metric": (edit_manifest(metrics={"f1": float("inf")}), "metrics: f1 is inf"),
    "file missing": (remove("model.onnx"), "model.onnx is listed, but missing"),
    "file cut": (write("model.onnx", b"cut"), "model.onnx has 3 bytes instead of 7000"),
    "file changed": (write("config.json", b'{"n_layers": 3}'), "config.json was changed"),
    "file not listed": (write("extra.txt", b""), "extra.txt is not listed in manifest.json"),
    "hidden file not listed": (write(".DS_Store", b""), ".DS_Store is not listed"),
    "directory inside": (lambda path: (path / "more").mkdir(), "more is no regular file"),
    "symlink": (swap_a_file_for_a_symlink, "model.onnx is no regular file"),
    "pipe": (lambda path: os.mkfifo(path / "pipe.txt"), "pipe.txt is no regular file"),
    "path upwards": (list_file("../x.txt"), "'../x.txt' is no plain file name"),
    "path downwards": (list_file("a/x.txt"), "'a/x.txt' is no plain file name"),
    "absolute path": (list_file("/etc/x.txt"), "'/etc/x.txt' is no plain file name"),
    "Windows path": (list_file("..\\x.txt"), "is no plain file name"),
    "empty name": (list_file(""), "'' is no plain file name"),
    "name with a line break": (list_file("x.txt\n"), "is no plain file name"),
    "lists itself": (list_file("manifest.json"), "manifest.json cannot list itself"),
    "pickle": (list_file("model.pkl"), "model.pkl has a suffix that is not allowed"),
    "torch pickle": (list_file("model.pt"), "model.pt has a suffix that is not allowed"),
    "no suffix": (list_file("model"), "model has a suffix that is not allowed"),
    "no config": (list_no_config, "config.json is not among the files"),
    "config is a list": (list_a_config_that_is_no_object, "config.json holds a list"),
}


@pytest.mark.parametrize(("damage", "message"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_damaged_bundle_is_refused(
    written: Bundle, damage: Callable[[Path], object], message: str
) -> None:
    damage(written.path)
    with pytest.raises(BundleError) as caught:
        load_bundle(written.path)
    assert message in str(caught.value)
    assert str(written.path) in str(caught.value)


OF_FILES = {
    *("file missing", "file cut", "file changed", "file not listed", "hidden file not listed"),
    *("directory inside", "symlink", "pipe", "config is a list", "manifest is a symlink"),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_description_reads_the_manifest_only(written: Bundle, problem: str) -> None:
    damage, message = PROBLEMS[problem]
    damage(written.path)
    if problem not in OF_FILES:
        with pytest.raises(BundleError) as caught:
            describe_bundle(written.path)
        assert message in str(caught.value)
        return
    described = describe_bundle(written.path)
    assert (described.manifest.name, described.config) == (written.manifest.name, {})
    with pytest.raises(BundleError):
        load_bundle(written.path)


def test_all_damaged_files_are_named_at_once(written: Bundle) -> None:
    problems = [
        "one language",
        "no date",
        "pickle",
        "file not listed",
        "directory inside",
        "file cut",
        "file changed",
    ]
    for problem in problems:
        PROBLEMS[problem][0](written.path)
    with pytest.raises(BundleError) as caught:
        load_bundle(written.path)
    for problem in problems:
        assert PROBLEMS[problem][1] in str(caught.value)


def test_a_disk_that_fails_is_reported_by_file(
    written: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> str:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(bundle_module, "sha256_of", fail)
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md cannot be read: Input/output error"):
        load_bundle(written.path)


# --- writing: refusals, and all or nothing ---


@pytest.mark.parametrize(
    ("files", "description", "message"),
    [
        pytest.param({"../x.txt": b""}, DESCRIPTION, "no plain file name", id="path upwards"),
        pytest.param({"/x.txt": b""}, DESCRIPTION, "no plain file name", id="absolute path"),
        pytest.param({"model.pkl": b""}, DESCRIPTION, "suffix that is not", id="pickle"),
        pytest.param({"manifest.json": b""}, DESCRIPTION, "cannot list itself", id="manifest"),
        pytest.param({"config.json": b"{"}, DESCRIPTION, "config.json is not JSON", id="config"),
        pytest.param(
            {}, replace(DESCRIPTION, task="translation"), "exactly", id="one language of two"
        ),
        pytest.param({}, replace(DESCRIPTION, created="soon"), "created is 'soon'", id="no date"),
        pytest.param(
            {}, replace(DESCRIPTION, metrics={"f1": float("nan")}), "f1 is nan", id="no metric"
        ),
        pytest.param({}, replace(DESCRIPTION, precision="int3"), "precision", id="precision"),
    ],
)
def test_what_could_not_be_loaded_is_not_written(
    tmp_path: Path, files: dict[str, bytes], description: Description, message: str
) -> None:
    with pytest.raises(BundleError) as caught:
        write_bundle(tmp_path / "bundle", {**FILES, **files}, description)
    assert message in str(caught.value)
    assert str(tmp_path / "bundle") in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_bundle_without_config_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"config\.json is not among the files"):
        write_bundle(tmp_path / "bundle", {"model.onnx": b""}, DESCRIPTION)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("occupant", ["bundle", "empty directory", "file", "dangling symlink"])
def test_nothing_is_overwritten(tmp_path: Path, occupant: str) -> None:
    directory = tmp_path / "bundle"
    {
        "bundle": lambda: write_bundle(directory, FILES, DESCRIPTION),
        "empty directory": directory.mkdir,
        "file": lambda: directory.write_bytes(b"mine"),
        "dangling symlink": lambda: directory.symlink_to(tmp_path / "nowhere"),
    }[occupant]()
    with pytest.raises(BundleError, match="exists already"):
        write_bundle(directory, {"config.json": b"{}"}, DESCRIPTION)
    assert list(tmp_path.iterdir()) == [directory]


def test_a_missing_parent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="missing is not a directory: create it first"):
        write_bundle(tmp_path / "missing" / "bundle", FILES, DESCRIPTION)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failing_call", range(len(FILES) + 2))
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_on_the_way_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing_call: int,
    failure: BaseException,
) -> None:
    """Every file and the directory itself are synced; if one fails, nothing remains."""
    n_calls = 0

    def fail_at_last(descriptor: int) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls > failing_call:
            raise failure

    monkeypatch.setattr(os, "fsync", fail_at_last)
    with pytest.raises(type(failure)):
        write_bundle(tmp_path / "bundle", FILES, DESCRIPTION)
    assert n_calls == failing_call + 1
    assert not list(tmp_path.iterdir())


def test_nothing_is_seen_under_the_name_before_all_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "bundle").exists()))
    write_bundle(tmp_path / "bundle", FILES, DESCRIPTION)
    assert seen == [False] * (len(FILES) + 2) + [
        True
    ]  # files, manifest, directory; then the parent


def test_a_bundle_is_replaced_as_a_whole(written: Bundle) -> None:
    files = {"config.json": b"{}", "new.txt": b"new"}
    replaced = replace_bundle(written, files, replace(DESCRIPTION, version="1.3.0"))
    assert replaced.path == written.path and replaced.manifest.version == "1.3.0"
    assert load_bundle(written.path).manifest.files.keys() == files.keys()
    assert os.listdir(written.path.parent) == [written.path.name]


def test_what_a_link_leads_to_is_replaced_and_not_the_link(written: Bundle) -> None:
    link = written.path.with_name("link")
    link.symlink_to(written.path)
    replace_bundle(load_bundle(link), {"config.json": b"{}"}, DESCRIPTION)
    assert link.is_symlink()
    assert load_bundle(written.path).manifest.files.keys() == {"config.json"}


@pytest.mark.parametrize("n_renamed", [1, 2], ids=["the new one is unwritten", "half way"])
def test_a_failed_replacement_leaves_the_old_bundle(
    written: Bundle, monkeypatch: pytest.MonkeyPatch, n_renamed: int
) -> None:
    """The renames, in order: the new bundle after it is written, the old one, the new one."""
    before = contents(written.path)
    original, renamed = Path.rename, []

    def rename(self: Path, target: Path) -> Path:
        renamed.append(target)
        if len(renamed) == n_renamed + 1:
            raise OSError("disk full")
        return original(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="disk full"):
        replace_bundle(written, {"config.json": b"{}"}, DESCRIPTION)
    assert contents(written.path) == before
    assert os.listdir(written.path.parent) == [written.path.name]


def test_a_replacement_that_could_not_be_loaded_is_refused(written: Bundle) -> None:
    before = contents(written.path)
    with pytest.raises(BundleError, match=r"config\.json is not among the files"):
        replace_bundle(written, {"other.txt": b""}, DESCRIPTION)
    assert contents(written.path) == before


# --- files that change after the verification ---


@pytest.mark.parametrize(
    "content", [b"", b"other bytes", b"{ " + b" " * 4000], ids=["empty", "other", "long"]
)
def test_what_is_read_is_what_was_verified(written: Bundle, content: bytes) -> None:
    assert written.read("golden.json") == FILES["golden.json"]
    (written.path / "golden.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"golden\.json was changed while"):
        written.read("golden.json")
    with pytest.raises(BundleError, match="was changed while"):
        written.golden()


def test_a_file_that_is_gone_cannot_be_read(written: Bundle) -> None:
    (written.path / "golden.json").unlink()
    with pytest.raises(BundleError, match=r"golden\.json cannot be read: No such file"):
        written.read("golden.json")


@pytest.mark.parametrize("name", ["ner-en", "sentiment-en", "translate-en-zh"])
def test_shipped_cards_name_no_path_of_the_machine_that_made_them(name: str) -> None:
    card = (Path(__file__).parents[1] / "bundles" / name / "MODEL_CARD.md").read_text("utf-8")
    assert not re.findall(r"(?<![\w.)`:/])/[a-z]+/[\w/]*", card)
