"""The temporary directory of a server: the sockets of its runners and the files of its metrics.

A supervisor locks its directory for as long as it lives. So the directories of supervisors that were killed can
be told from those of living ones, and removed; and systemd-tmpfiles, which skips locked directories, does not
delete files that are in use. Other cleaners may; what they delete is made again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from seqserve.errors import ConfigError
from service.telemetry.logs import get_logger

PREFIX = "seqserve-"
BACKLOG = 2048
_MARK = "locked-by-supervisor"  # a directory without this file is never removed
_METRICS = "prometheus_multiproc_dir"
_MAX_SOCKET_PATH = 103  # bytes: the smallest limit that a system has for a Unix socket's path


class RuntimeDirectory:
    """The directory of one supervisor, for its user only.

    Args:
        names: Of the sockets.

    Raises:
        ConfigError: There is no place for it.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._inode_of: dict[str, int] = {}
        names = list(names)
        self.path = _make(max((len(_file_of(name)) for name in names), default=0))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._mark()
        try:
            self.sockets = {name: self._listen(name) for name in names}
        except OSError as error:
            self.remove()
            raise ConfigError(_cannot("make the sockets", error)) from error

    @property
    def metrics(self) -> Path:
        """The directory of the metrics files."""
        return self.path / _METRICS

    def socket_path(self, name: str) -> Path:
        """Return where a socket is."""
        return self.path / _file_of(name)

    def restore(self) -> list[str]:
        """Make again what was deleted.

        Returns:
            The names of the sockets that are new: who listens on the old ones is not reachable any more.

        Raises:
            ConfigError: They cannot be made.
        """
        lost = [name for name, inode in self._inode_of.items() if not self._is_there(name, inode)]
        is_metrics_lost = not self.metrics.is_dir()
        if not lost and not is_metrics_lost:
            return []
        get_logger().error(
            "temporary files were deleted",
            path=str(self.path),
            sockets=lost,
            are_metrics_lost=is_metrics_lost,
            advice=f"exclude {self.path.parent}/{PREFIX}* from what deletes old files; the metrics of "
            "processes that are not restarted are missing",
        )
        try:
            if not self.path.exists():
                self.path.mkdir(0o700)
                os.close(self._lock)
                self._lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            elif not os.path.samestat(self.path.lstat(), os.fstat(self._lock)):
                raise FileExistsError(errno.EEXIST, "somebody else has made it", str(self.path))
            self._mark()
            for name in lost:
                self.sockets[name].close()
                self.sockets[name] = self._listen(name)
        except OSError as error:
            raise ConfigError(_cannot("make the deleted sockets again", error)) from error
        return lost

    def remove(self) -> None:
        """Close the sockets and remove the directory."""
        for one in getattr(self, "sockets", {}).values():
            one.close()
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def _mark(self) -> None:
        """Lock the directory, before the mark says that it is locked."""
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (self.path / _MARK).touch(0o600)
        self.metrics.mkdir(0o700, exist_ok=True)

    def _listen(self, name: str) -> socket.socket:
        path = self.socket_path(name)
        path.unlink(missing_ok=True)
        one = socket.socket(socket.AF_UNIX)
        one.bind(str(path))
        one.listen(BACKLOG)
        self._inode_of[name] = path.stat().st_ino
        return one

    def _is_there(self, name: str, inode: int) -> bool:
        with suppress(OSError):
            found = self.socket_path(name).lstat()
            return stat.S_ISSOCK(found.st_mode) and found.st_ino == inode
        return False


def remove_abandoned() -> list[Path]:
    """Remove the directories of this user's supervisors that are dead; return them."""
    removed = []
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp")):
        for path in Path(parent).glob(f"{PREFIX}*"):
            with suppress(OSError):
                fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                try:
                    if _is_abandoned(fd):
                        shutil.rmtree(path, ignore_errors=True)
                        removed.append(path)
                finally:
                    os.close(fd)
    return removed


def _is_abandoned(directory: int) -> bool:
    """Return whether an open directory is of a dead supervisor of this user, and lock it then."""
    if os.fstat(directory).st_uid != os.getuid():
        return False
    try:
        os.stat(_MARK, dir_fd=directory, follow_symlinks=False)
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def _make(longest_name: int) -> Path:
    """Create a temporary directory for this user only, in which Unix sockets can be made.

    A path below a long TMPDIR may exceed what a system takes; the directory is then made in /tmp.

    Args:
        longest_name: Length of the longest file name of a socket.

    Raises:
        ConfigError: There is no place for it.
    """
    try:
        directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        if len(os.fsencode(directory)) + 1 + longest_name <= _MAX_SOCKET_PATH:
            return directory
        directory.rmdir()
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    except OSError as error:
        raise ConfigError(_cannot("make a temporary directory", error)) from error


def _cannot(what: str, error: OSError) -> str:
    where = error.filename or tempfile.gettempdir()
    return (
        f"cannot {what} ({where}): {error.strerror}; "
        "free some space, or set TMPDIR to a directory that can be written"
    )


def _file_of(name: str) -> str:
    return f"{name}.sock"
