"""The temporary directory: what is deleted there is made again, and what the dead left is removed."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seqserve.errors import ConfigError
from service.processes import supervisor
from service.processes.runtime_directory import RuntimeDirectory, remove_abandoned
from service.processes.worker import GATEWAY
from tests.serving import FAKES, ROOT, START_S, STOP_S, Serve, running_server

NAMES = ["ner", "translation"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def place(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of the temporary files of this process, but for those of pytest."""
    tmp_path_factory.getbasetemp()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def directory(place: Path) -> Iterator[RuntimeDirectory]:
    made = RuntimeDirectory(NAMES)
    yield made
    made.remove()


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@pytest.mark.parametrize(("length", "is_moved"), [(10, False), (120, True)])
def test_sockets_work_below_any_temporary_directory(
    place: Path, monkeypatch: pytest.MonkeyPatch, length: int, is_moved: bool
) -> None:
    folder = place / ("x" * length)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    made = RuntimeDirectory(NAMES)
    assert all(can_connect(made.socket_path(name)) for name in NAMES)
    assert (made.path.parent != folder) == is_moved
    assert made.path.stat().st_mode & 0o777 == 0o700
    assert not (is_moved and any(folder.iterdir()))
    made.remove()
    assert not made.path.exists()


def everything(made: RuntimeDirectory) -> None:
    shutil.rmtree(made.path)


def content(made: RuntimeDirectory) -> None:
    for path in made.path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def one_socket(made: RuntimeDirectory) -> None:
    made.socket_path("ner").unlink()


def one_socket_becomes_a_file(made: RuntimeDirectory) -> None:
    made.socket_path("ner").unlink()
    made.socket_path("ner").touch()


def one_socket_becomes_another(made: RuntimeDirectory) -> None:
    made.socket_path("ner").unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(made.socket_path("ner")))


def metrics(made: RuntimeDirectory) -> None:
    shutil.rmtree(made.metrics)


DELETIONS: list[tuple[Callable[[RuntimeDirectory], None], list[str]]] = [
    (everything, NAMES),
    (content, NAMES),
    (one_socket, ["ner"]),
    (one_socket_becomes_a_file, ["ner"]),
    (one_socket_becomes_another, ["ner"]),
    (metrics, []),
]


@pytest.mark.parametrize(
    ("delete", "lost"), DELETIONS, ids=[delete.__name__ for delete, _ in DELETIONS]
)
def test_what_is_deleted_is_made_again(
    directory: RuntimeDirectory,
    capsys: pytest.CaptureFixture[str],
    delete: Callable[[RuntimeDirectory], None],
    lost: list[str],
) -> None:
    assert directory.restore() == [] and not capsys.readouterr().out
    delete(directory)
    assert directory.restore() == lost
    assert "temporary files were deleted" in capsys.readouterr().out
    assert directory.restore() == []  # once
    assert all(can_connect(directory.socket_path(name)) for name in NAMES)
    assert directory.metrics.is_dir()
    assert remove_abandoned() == [] and directory.path.is_dir()  # it is locked


def taken_by_somebody_else(made: RuntimeDirectory) -> None:
    made.path.rename(made.path.with_name("kept"))  # so that its inode is not used again
    made.path.mkdir()


def no_folder_to_make_it_in(made: RuntimeDirectory) -> None:
    made.path.parent.rename(made.path.parent.with_name(f"{made.path.parent.name}-moved"))


@pytest.mark.parametrize("harm", [taken_by_somebody_else, no_folder_to_make_it_in])
def test_what_cannot_be_made_again_is_one_clear_error(
    place: Path, harm: Callable[[RuntimeDirectory], None]
) -> None:
    made = RuntimeDirectory(NAMES)
    harm(made)
    with pytest.raises(ConfigError, match=r"cannot make the deleted sockets again \(/tmp/.*\): "):
        made.restore()
    made.remove()
    moved = place.with_name(f"{place.name}-moved")
    if moved.exists():
        moved.rename(place)


DEAD = """
import sys, time, tempfile
from service.processes.runtime_directory import RuntimeDirectory
tempfile.tempdir = sys.argv[1]
print(RuntimeDirectory(["ner"]).path, flush=True)
time.sleep(60)
"""


def supervisor_in(place: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", DEAD, str(place)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_only_directories_of_the_dead_are_removed(place: Path, tmp_path: Path) -> None:
    (living, kept), (dead, left) = supervisor_in(place), supervisor_in(place)
    others = [place / "seqserve-of-an-older-version", place / "seqserve-file", place / "other"]
    others[0].mkdir()
    (others[0] / "ner.sock").touch()
    others[1].touch()
    others[2].mkdir()
    outside = tmp_path / "outside"
    shutil.copytree(left, outside, ignore=lambda *_: ["ner.sock"])
    (place / "seqserve-link").symlink_to(outside)
    try:
        assert remove_abandoned() == []
        dead.kill()
        dead.wait()
        assert left.is_dir()
        assert remove_abandoned() == [left]
        assert not left.exists() and kept.is_dir() and (kept / "ner.sock").exists()
        assert all(path.exists() for path in [*others, outside])
    finally:
        for process in (living, dead):
            process.kill()
            process.communicate()


def settings(folder: Path, **others: str) -> dict[str, Any]:
    return {"TMPDIR": str(folder), **others, **FAKES}


def only_directory(folder: Path) -> Path:
    (path,) = folder.glob("seqserve-*")
    return path


@pytest.mark.parametrize("delete", [shutil.rmtree, lambda path: (path / "ner.sock").unlink()])
def test_a_server_recovers_from_a_cleaner(
    tmp_path: Path, folder: Path, bundles_dir: Path, delete: Callable[[Path], None]
) -> None:
    with running_server(tmp_path, bundles_dir, **settings(folder)) as serve:
        gateway = serve.worker("Gateway")
        delete(only_directory(folder))
        serve.wait_until_logged("temporary files were deleted")
        serve.wait_until_logged('"process":"ner","how":"SIGKILL"')
        serve.wait_until_ready(START_S)
        for path in ("/v1/ner", "/v1/sentiment", "/v1/translate"):
            assert serve.post(path, "Ann").status_code == 200
        assert serve.worker("Gateway").pid == gateway.pid
        assert serve.client.get("/metrics").status_code == 200
        assert serve.log.read_text().count("temporary files were deleted") == 1
        assert serve.stop() == 0
        assert not any(folder.glob("seqserve-*"))


def test_a_killed_server_leaves_nothing_to_the_next_one(
    tmp_path: Path, folder: Path, bundles_dir: Path
) -> None:
    first = Serve(tmp_path, bundles_dir, **settings(folder, SEQSERVE_TASKS="ner"))
    try:
        first.wait_until_ready(START_S)
        left = only_directory(folder)
        first.process.kill()
        first.process.wait(STOP_S)
    finally:
        first.kill()
    with running_server(tmp_path, bundles_dir, **settings(folder, SEQSERVE_TASKS="ner")) as serve:
        assert only_directory(folder) != left
        assert f'"path":"{left}"' in serve.log.read_text()
        with running_server(
            tmp_path, bundles_dir, **settings(folder, SEQSERVE_TASKS="ner")
        ):  # beside it
            assert len([*folder.glob("seqserve-*")]) == 2
        assert serve.post("/v1/ner", "Ann").status_code == 200


def test_metrics_that_cannot_be_merged_end_no_server(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place / "metrics"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    supervisor._record_end(GATEWAY, 4711)  # there is no such folder
    folder.mkdir()
    used, length_of_a_key = struct.pack("<ii", 4096, 0), struct.pack("<i", 10**9)
    for number in (4711, 0):
        (folder / f"counter_{number}.db").write_bytes((used + length_of_a_key).ljust(4096, b"x"))
    supervisor._record_end("ner", 4711)
    assert capsys.readouterr().out.count("metrics not merged") == 2
    assert (folder / "counter_4711.db").exists()
