"""A full disk under the files of the metrics, and processes that died."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.telemetry import metric_files
from service.telemetry.metric_files import MetricFile, bury
from tests.serving import ROOT

COUNT = """
import os, sys
from service.telemetry import metrics
metrics.TEXTS.labels("ner").inc(5)
for i in range(int(sys.argv[1])):
    metrics.REQUESTS.labels(f"/{i}/" + "x" * 200, "200", "ok", "native").inc()
metrics.TEXTS.labels("ner").inc(1)
print(os.getpid(), metrics.TEXTS.labels("ner")._value.get())
"""
PAGE = "from service.telemetry.metrics_page import metrics_page; print(metrics_page()[0].decode())"
LIMITED = """
import resource, sys
n_bytes = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
"""


def run(directory: Path, code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


@pytest.mark.parametrize(
    ("n_bytes", "n_series"),
    [
        pytest.param(4096, 0, id="no-room-for-a-file"),
        pytest.param(3 * 2**19, 8000, id="no-room-to-grow"),
    ],
)
def test_files_that_cannot_be_allocated_end_no_process(
    tmp_path: Path, n_bytes: int, n_series: int
) -> None:
    """The system refuses larger files, as a full disk does."""
    *lines, last = run(tmp_path, LIMITED + COUNT, str(n_bytes), str(n_series)).splitlines()
    assert last.split()[1] == "6.0"
    assert sum("metrics of this process stay in memory" in line for line in lines) == 1
    assert "File too large" in "".join(lines)


def test_a_file_has_blocks_for_all_its_bytes(tmp_path: Path) -> None:
    file = MetricFile(str(tmp_path / "counter_1.db"))
    for i in range(2000):
        file.write_value(f"{i}" + "x" * 100, float(i), 0.0)
    stat = os.stat(tmp_path / "counter_1.db")
    assert stat.st_size >= 2**18
    assert stat.st_blocks * 512 >= stat.st_size
    file.close()
    found = MetricFile.read_all_values_from_file(str(tmp_path / "counter_1.db"))
    assert [value for _, value, _, _ in found] == [float(i) for i in range(2000)]


def test_values_outlive_a_disk_that_fills_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = MetricFile(str(tmp_path / "counter_1.db"))
    file.write_value("first", 7.0, 0.0)

    def full(fd: int, n_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(metric_files, "_allocate", full)
    for i in range(3000):
        file.write_value(f"{i}" + "x" * 100, float(i), 0.0)
    assert file.read_value("first")[0] == 7.0
    assert [file.read_value(f"{i}" + "x" * 100)[0] for i in range(3000)] == list(range(3000))
    assert not list(tmp_path.iterdir())
    file.close()


def test_dead_processes_leave_one_file_and_their_sums(tmp_path: Path) -> None:
    for n in range(1, 5):
        pid = int(run(tmp_path, COUNT, str(n)).split()[0])
        bury(str(tmp_path), pid)
        page = run(tmp_path, PAGE)
        assert f'seqserve_texts_total{{task="ner"}} {6.0 * n}' in page
        names = {path.name for path in tmp_path.iterdir() if not path.name.startswith("gauge")}
        assert {name for name in names if name.startswith("counter")} == {"counter_0.db"}
        for path in tmp_path.glob("*_[1-9]*.db"):  # of the page's own process
            path.unlink()


def test_without_room_for_the_sums_the_files_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid, n_keys in ((0, 1), (1, 2000)):
        file = MetricFile(str(tmp_path / f"counter_{pid}.db"))
        for i in range(n_keys):
            file.write_value(f"{i}" + "x" * 100, 1.0, 0.0)
        file.close()

    def full(filename: str, n_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(metric_files, "_allocate", full)
    bury(str(tmp_path), 1)
    assert {path.name for path in tmp_path.iterdir()} == {"counter_0.db", "counter_1.db"}
    first = next(iter(MetricFile.read_all_values_from_file(str(tmp_path / "counter_0.db"))))
    assert first[1] == 1.0  # nothing was added twice


@pytest.mark.parametrize("is_folder_deleted", [False, True])
def test_files_that_are_deleted_while_they_grow_end_no_process(
    tmp_path: Path, is_folder_deleted: bool
) -> None:
    delete = f"__import__('shutil').rmtree({str(tmp_path / 'files')!r})"
    if not is_folder_deleted:
        delete += f"; os.mkdir({str(tmp_path / 'files')!r})"
    (tmp_path / "files").mkdir()
    code = COUNT.replace("for i in", f"{delete}\nfor i in")
    assert run(tmp_path / "files", code, "8000").split()[-1] == "6.0"
