"""Large bodies that are being received: bounded together, and the slow ones give way.

A client that sends all of a body but its end holds its bytes until its deadline. A few such clients would
hold all bytes that the server may, so that every other large body were refused. So the bytes count for as
long as they are held: where there are too many, the body with the most byte-seconds is refused. Bodies that
have just begun are spared, because many fast ones at a time are plain overload, which refuses the last one.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from seqserve.errors import Overloaded
from service.http.cancelling import Interruptible

MAX_HELD_BYTES = 64 * 2**20
GRACE_S = 1.0  # for a client that sends at all


class HeldBodies:
    """The large bodies of a server.

    Args:
        max_bytes: Limit of the bytes of all of them.
    """

    def __init__(self, max_bytes: int = MAX_HELD_BYTES) -> None:
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._uploads: set[Upload] = set()

    def upload(self) -> Upload:
        """Return the context manager of the task that reads a body."""
        return Upload(self)

    def add(self, upload: Upload, n_bytes: int, now: float) -> None:
        """Count more bytes of a body; make room for them.

        Raises:
            Overloaded: There is no room.
        """
        self._uploads.add(upload)
        self._n_bytes += n_bytes
        while self._n_bytes > self._max_bytes:
            slow = [one for one in self._uploads if one.may_be_refused(now)]
            if not slow:
                raise Overloaded("The server receives too many large bodies. Retry later.")
            slowest = max(slow, key=lambda one: one.byte_seconds(now))
            self.remove(slowest)
            slowest.refuse()

    def remove(self, upload: Upload) -> None:
        """Forget a body."""
        if upload in self._uploads:
            self._uploads.remove(upload)
            self._n_bytes -= upload.n_bytes


class Upload:
    """One body, as long as it is held.

    Args:
        held: All bodies.
    """

    __slots__ = (
        "_begun",
        "_counted",
        "_earlier",
        "_held",
        "_task",
        "is_complete",
        "n_bytes",
    )

    def __init__(self, held: HeldBodies) -> None:
        self._held = held
        self._task: Interruptible | None = None  # set when the body is large
        self.is_complete = False
        self.n_bytes = 0

    def __enter__(self) -> Upload:
        """Begin; until it grows, a body is not counted, so that a small one costs nothing."""
        return self

    def grow(self, n_bytes: int) -> None:
        """Note that the body has so many bytes now.

        Raises:
            Overloaded: There is no room for them.
        """
        now = asyncio.get_running_loop().time()
        if self._task is None:
            self._task = Interruptible()
            self._begun, self._earlier = now, 0.0
        else:
            self._earlier = self.byte_seconds(now)
        self._counted, n_before, self.n_bytes = now, self.n_bytes, n_bytes
        self._held.add(self, n_bytes - n_before, now)

    def byte_seconds(self, now: float) -> float:
        """Return the bytes times the seconds for which they are held."""
        return self._earlier + self.n_bytes * (now - self._counted)

    def may_be_refused(self, now: float) -> bool:
        """Return whether it is still being received, and has been for longer than a moment."""
        return not self.is_complete and now - self._begun > GRACE_S

    def refuse(self) -> None:
        """Interrupt the task, which waits for the rest."""
        if self._task is not None:
            self._task.interrupt(
                Overloaded(
                    "The server receives too many large bodies, and this one came slowly. Retry later."
                )
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End.

        Raises:
            Overloaded: The body was refused.
        """
        if self._task is None:
            return
        self._held.remove(self)
        self._task.raise_error(kind)
