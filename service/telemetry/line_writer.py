"""Write lines to a descriptor that may block, be full or be closed: by a thread, from a bounded queue.

A line costs its caller an append. Lines keep their order. If the queue is full, or a write fails, lines are
dropped and counted, and a line says how many once writing works again. No caller waits and none gets an
error.
"""

from __future__ import annotations

import atexit
import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

MAX_BYTES = 4 * 1024 * 1024  # of lines in the queue: several thousand
FLUSH_S = 1.0
_GATHER_S = 0.002  # lines of this time share one write


class LineWriter:
    """Write lines to one descriptor.

    Args:
        fd: The descriptor; stays open.
        on_drop: Called with the number of lines whenever some were dropped, on any thread.
        explain: Returns the line that reports a number of dropped lines.
    """

    def __init__(
        self, fd: int, on_drop: Callable[[int], None], explain: Callable[[int], str]
    ) -> None:
        self._fd = fd
        self._on_drop = on_drop
        self._explain = explain
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._n_bytes = 0  # in the queue, or being written
        self._is_awake = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._n_unreported = 0
        self._is_torn = False  # the last write ended within a line
        threading.Thread(target=self._run, name="log writer", daemon=True).start()
        atexit.register(self.flush)

    def write(self, line: str) -> None:
        """Queue a line, which ends with a newline, or drop it."""
        content = line.encode(errors="backslashreplace")
        with self._lock:
            has_room = self._n_bytes + len(content) <= MAX_BYTES
            if has_room:
                self._lines.append(content)
                self._n_bytes += len(content)
            must_wake, self._is_awake = not self._is_awake, True
        if must_wake:
            self._wake.put(None)
        if not has_room:
            self._drop(1)

    def flush(self, seconds: float = FLUSH_S) -> None:
        """Wait until all lines are written, but not longer than some seconds."""
        end = time.monotonic() + seconds
        while self._n_bytes and time.monotonic() < end:
            time.sleep(0.001)

    def _drop(self, n_lines: int) -> None:
        with self._lock:
            self._n_unreported += n_lines
        self._on_drop(n_lines)

    def _run(self) -> None:
        while True:
            self._wake.get()
            time.sleep(_GATHER_S)
            while lines := self._take():
                n_bytes = sum(map(len, lines))
                try:
                    self._write_out(lines)
                finally:
                    with self._lock:
                        self._n_bytes -= n_bytes

    def _take(self) -> list[bytes]:
        with self._lock:
            lines, self._lines = self._lines, []
            self._is_awake = bool(lines)
        return lines

    def _write_out(self, lines: list[bytes]) -> None:
        """Write lines, and then how many were dropped before."""
        content = b"".join(lines)
        if self._is_torn:
            content = b"\n" + content
        n_written = self._write_bytes(content)
        if n_written < len(content):
            n_whole = max(0, content.count(b"\n", 0, n_written) - self._is_torn)
            self._is_torn = n_written > 0 and content[n_written - 1 : n_written] != b"\n"
            self._drop(max(1, len(lines) - n_whole))
            return
        self._is_torn = False
        with self._lock:
            n_dropped, self._n_unreported = self._n_unreported, 0
        if n_dropped:
            notice = self._explain(n_dropped).encode()
            if self._write_bytes(notice) < len(notice):
                with self._lock:
                    self._n_unreported += n_dropped

    def _write_bytes(self, content: bytes) -> int:
        """Write, and return how many bytes were written before an error."""
        rest = memoryview(content)
        with suppress(OSError):
            while rest:
                try:
                    rest = rest[os.write(self._fd, rest) :]
                except BlockingIOError:  # the descriptor was set so by another process
                    select.select([], [self._fd], [])
        return len(content) - len(rest)
