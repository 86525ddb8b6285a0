"""The files in which the processes of a server share their metrics: they never end a process.

prometheus-client maps a sparse file into memory. On a full disk the kernel finds no block for a page that
is written to, and ends the process with SIGBUS. `MetricFile` allocates the blocks first, so that a full
disk is an error; the values of the process then stay in memory and are missing on the metrics page.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prometheus_client import mmap_dict, values
from prometheus_client.multiprocess import mark_process_dead

from service.telemetry.logs import get_logger

_OF_DEAD = 0  # the process id in the names of the files with the sums of dead processes
_SUMMED = ("counter", "histogram", "summary")
_reported: set[str] = set()  # directories


def use_metric_files() -> None:
    """Make prometheus-client use `MetricFile`; to be called before a metric is created."""
    values.MmapedDict = MetricFile  # type: ignore[attr-defined]


class MetricFile(mmap_dict.MmapedDict):
    """The values of one process and one kind of metric: on disk, or in memory if there is no room.

    Args:
        filename: Its path.
        read_mode: As in prometheus-client.
        is_strict: Raise OSError where there is no room.
    """

    def __init__(self, filename: str, read_mode: bool = False, is_strict: bool = False) -> None:
        self._is_strict = is_strict
        self._is_on_disk = True
        self._f: Any
        self._m: Any
        if not read_mode:
            try:
                fd = os.open(filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    _allocate(fd, mmap_dict._INITIAL_MMAP_SIZE)
                finally:
                    os.close(fd)
            except OSError as error:
                if is_strict:
                    raise
                self._leave_disk(filename, error)
                self._f, self._fname, self._positions = open(os.devnull, "rb"), filename, {}  # noqa: SIM115
                self._capacity, self._used = mmap_dict._INITIAL_MMAP_SIZE, 8
                self._m = mmap.mmap(-1, self._capacity)
                mmap_dict._pack_integer(self._m, 0, self._used)  # type: ignore[no-untyped-call]
                return
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + 64 > self._capacity:  # 64: padding and the numbers
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        capacity = 2 * self._capacity
        if self._is_on_disk:
            try:
                _allocate(self._f.fileno(), capacity)  # not by its name: it may be deleted
            except OSError as error:
                if self._is_strict:
                    raise
                self._leave_disk(self._fname, error)
                self._f.close()
                self._f = open(os.devnull, "rb")  # noqa: SIM115
        bigger = mmap.mmap(self._f.fileno() if self._is_on_disk else -1, capacity)
        if not self._is_on_disk:
            bigger[: self._used] = self._m[: self._used]
        self._m, self._capacity = bigger, capacity

    def _leave_disk(self, filename: str, error: OSError) -> None:
        self._is_on_disk = False
        with suppress(OSError):
            os.unlink(filename)
        directory = os.path.dirname(filename)
        if directory not in _reported:
            _reported.add(directory)
            reason = f"{directory}: {error.strerror}"
            get_logger().error("metrics of this process stay in memory", reason=reason)


def _allocate(fd: int, n_bytes: int) -> None:
    """Make an open file at least so large, with blocks on the disk for all of it."""
    os.posix_fallocate(fd, 0, n_bytes)


@contextmanager
def locked(directory: str, kind: int) -> Iterator[None]:
    """Lock the files of a directory: `fcntl.LOCK_SH` to read them all, `LOCK_EX` to merge some."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(fd, kind)
        yield
    finally:
        os.close(fd)


def bury(directory: str, pid: int) -> None:
    """Remove the files of a dead process; what they counted is added to the sums of dead processes.

    If there is no room for the sums, the files stay.
    """
    with locked(directory, fcntl.LOCK_EX):
        mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
        for kind in _SUMMED:
            source = Path(directory, f"{kind}_{pid}.db")
            sums = Path(directory, f"{kind}_{_OF_DEAD}.db")
            if not source.exists():
                continue
            if not sums.exists():
                source.rename(sums)
                continue
            try:
                _add(source, sums)
            except OSError as error:
                get_logger().warning("metrics not merged", path=str(sums), reason=error.strerror)
            else:
                source.unlink()


def _add(source: Path, sums: Path) -> None:
    found = MetricFile.read_all_values_from_file(str(source))  # type: ignore[no-untyped-call]
    counted = {key: value for key, value, _, _ in found}
    total = MetricFile(str(sums), is_strict=True)
    try:
        before = {key: total.read_value(key)[0] for key in counted}  # type: ignore[no-untyped-call]
        for key, value in counted.items():  # there is room for all of them
            total.write_value(key, before[key] + value, 0.0)  # type: ignore[no-untyped-call]
    finally:
        total.close()  # type: ignore[no-untyped-call]
