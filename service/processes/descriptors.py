"""File descriptors of a process: raise their limit, and keep some for what is not a client's connection."""

from __future__ import annotations

import resource

_MAX_FILES = 1_048_576  # the system's own limit of most, where the hard limit is infinite
_RESERVE = 256  # for engines, files, the admin port and connections that are being refused


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard limit, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft if soft > 0 else _MAX_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connection_limit(max_files: int) -> int:
    """Return how many connections of clients a process can hold.

    Args:
        max_files: Its limit of open files.
    """
    return max_files - min(_RESERVE, max_files // 2)
