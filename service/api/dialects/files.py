"""Files that were translated and wait for their client to fetch them: in memory, for a while, up to a limit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from seqserve.errors import NotFound

MAX_BYTES = 64 * 2**20
MAX_AGE_S = 20 * 60.0


@dataclass(frozen=True)
class StoredFile:
    """A file.

    Args:
        name: As its client calls it.
        content: In UTF-8.
        stored: When it came, by the clock of the store.
    """

    name: str
    content: bytes
    stored: float


class FileStore:
    """The files of a server. When they are too many bytes, the oldest are removed.

    Args:
        max_bytes: Of all files together.
        max_age_s: Seconds after which a file is removed.
        clock: Returns seconds.
    """

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._clock = clock
        self._files: dict[str, StoredFile] = {}  # the oldest first
        self._n_bytes = 0

    def put(self, name: str, content: bytes) -> str:
        """Store a file; return the token by which it is found, which cannot be guessed."""
        token = secrets.token_urlsafe(24)
        self._files[token] = StoredFile(name, content, self._clock())
        self._n_bytes += len(content)
        self._clean()
        return token

    def get(self, token: str) -> StoredFile:
        """Return a file.

        Raises:
            NotFound: There is none, or not any more.
        """
        self._clean()
        if token not in self._files:
            raise NotFound("There is no such file; translated files are kept for 20 minutes.")
        return self._files[token]

    def _clean(self) -> None:
        too_old = self._clock() - self._max_age_s
        while self._files:
            token, oldest = next(iter(self._files.items()))
            if oldest.stored > too_old and self._n_bytes <= self._max_bytes:
                return
            self._n_bytes -= len(self._files.pop(token).content)
