"""Cancel the task of a request, so that an error of ours is raised instead."""

from __future__ import annotations

import asyncio


class Interruptible:
    """The current task, which can be interrupted with an error."""

    __slots__ = ("_error", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._error: Exception | None = None

    def interrupt(self, error: Exception) -> None:
        """Cancel the task; `raise_error` then raises the error."""
        self._error = error
        if self._task is not None:
            self._task.cancel()

    def raise_error(self, kind: type[BaseException] | None) -> None:
        """Raise the error of `interrupt`, unless the task was cancelled by others as well.

        Args:
            kind: What ended the block, as in `__exit__`.
        """
        if self._error is None or self._task is None:
            return
        n_others = self._task.uncancel()
        if kind is asyncio.CancelledError and not n_others:
            raise self._error from None
