"""API keys: a file of named keys, stored as hashes, each with an optional rate limit per minute.

The file has one key per line, `name sha256hex [limit-per-minute]`; `#` begins a comment. It is read
again when it changes. With an empty file every request is refused. Keys and hashes are never logged.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import os
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqserve.errors import ConfigError, MissingKey, RateLimited, UnknownKey
from seqserve.files import read_regular
from service.http.key_forms import BEARER
from service.telemetry.logs import get_logger

KeyScope = Literal["v1", "all"]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MAX_PER_MINUTE = 10**6
_RULE = (
    "must be `name sha256hex [limit-per-minute]`, with a name of at most 64 letters, digits, dots, "
    f"hyphens and underscores, and a limit of 1 to {_MAX_PER_MINUTE}"
)
MAX_FILE_BYTES = 16 * 2**20  # some 200,000 keys
_LOOK_EVERY_S = 1.0
_KEY_PREFIX = "seqserve_"  # lets secret scanners find leaked keys


class KeysUnreadable(ConfigError):
    """The file of keys cannot be read now; perhaps it can later, without having changed."""


@dataclass(frozen=True)
class Key:
    """One line of the file.

    Args:
        name: May be logged.
        digest: SHA-256 of the key.
        per_minute: Its limit of requests per minute; None is no limit.
    """

    name: str
    digest: bytes
    per_minute: int | None = None


def parse_keys(text: str, where: str) -> list[Key]:
    """Parse the keys of a file.

    Args:
        text: The content of the file.
        where: The name of the file, for error messages.

    Raises:
        ConfigError: A line is malformed or repeats another one; the message has its number, not its
            content.
    """
    keys: list[Key] = []
    line_of: dict[str | bytes, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        key = _parse_line(words)
        if key is None:
            raise ConfigError(f"{where}, line {number}: {_RULE}")
        for what, value in (("name", key.name), ("key", key.digest)):
            if value in line_of:
                raise ConfigError(
                    f"{where}, line {number}: has the {what} of line {line_of[value]}"
                )
            line_of[value] = number
        keys.append(key)
    return keys


def _parse_line(words: Sequence[str]) -> Key | None:
    if not 2 <= len(words) <= 3 or not _NAME.fullmatch(words[0]) or not _HASH.fullmatch(words[1]):
        return None
    if len(words) == 2:
        return Key(words[0], bytes.fromhex(words[1]))
    if not re.fullmatch(r"[0-9]{1,7}", words[2]) or not 1 <= int(words[2]) <= _MAX_PER_MINUTE:
        return None
    return Key(words[0], bytes.fromhex(words[1]), int(words[2]))


def read_keys(path: Path) -> list[Key]:
    """Read the keys of a file on disk.

    Raises:
        KeysUnreadable: The file cannot be read.
        ConfigError: It is not a regular file, is too large or not UTF-8, or as for `parse_keys`.
    """
    try:
        # A FIFO would block the thread that reads it, and with it every revocation.
        text = read_regular(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise KeysUnreadable(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8") from None
    except ValueError as error:
        raise ConfigError(
            f"{path}: {error}; the key file is one of text, with about 80 bytes a key"
        ) from None
    return parse_keys(text, str(path))


def new_key(name: str, per_minute: int | None = None) -> tuple[str, str]:
    """Generate a random key of 256 bits.

    Returns:
        The key, and its line for the file.

    Raises:
        ConfigError: The name or the limit is not allowed.
    """
    key = _KEY_PREFIX + secrets.token_urlsafe(32)
    limit = [] if per_minute is None else [str(per_minute)]
    words = [name, hashlib.sha256(key.encode()).hexdigest(), *limit]
    if _parse_line(words) is None:
        raise ConfigError(_RULE)
    return key, " ".join(words)


@dataclass
class _Bucket:
    """Token bucket of a key: it holds the requests of one minute and refills at a constant rate."""

    per_minute: int
    tokens: float
    filled: float  # time of the last refill, by the keyring's clock

    def take(self, now: float) -> float:
        """Take one token.

        Returns:
            0, or the seconds until a token is available.
        """
        per_s = self.per_minute / 60
        self.tokens = min(self.per_minute, self.tokens + (now - self.filled) * per_s)
        self.filled = now
        if self.tokens < 1:
            return (1 - self.tokens) / per_s
        self.tokens -= 1
        return 0.0


class Keyring:
    """The keys of one file, with their rate limits. Before the file has been read, every request is refused.

    Args:
        path: The file.
        scope: What requires a key: `v1` is every path under /v1/ and every guarded route, `all` is every path.
        clock: Returns seconds.
        open_paths: Paths that require no key in either scope.
        guarded_routes: Templates of the routes of further dialects.
    """

    def __init__(
        self,
        path: Path,
        scope: KeyScope = "v1",
        clock: Callable[[], float] = time.monotonic,
        open_paths: frozenset[str] = frozenset(),
        guarded_routes: frozenset[str] = frozenset(),
    ) -> None:
        self._path = path
        self._guarded_prefix = "/v1/" if scope == "v1" else ""
        self._guarded_routes = guarded_routes
        self._open_paths = open_paths
        self._clock = clock
        self._keys: list[Key] = []
        self._buckets: dict[str, _Bucket] = {}
        self._seen: tuple[int, ...] | None = None  # at the last reading
        self._is_unread = False  # the last reading failed, whatever the file contains
        self._fault = ""  # why the last reading failed

    def load(self) -> None:
        """Read the file.

        Raises:
            ConfigError: As for `read_keys`; the previous keys stay valid.
        """
        self._seen = self._look()  # a malformed file is not read again before it changes
        try:
            keys = read_keys(self._path)
        except ConfigError as error:
            self._is_unread = isinstance(error, KeysUnreadable)
            raise
        self._is_unread = False
        self._buckets = {
            key.name: self._bucket(key.name, key.per_minute)
            for key in keys
            if key.per_minute is not None
        }
        self._keys = keys  # last: a request may come in between, on another thread

    def _bucket(self, name: str, per_minute: int) -> _Bucket:
        known = self._buckets.get(name)
        if known is not None and known.per_minute == per_minute:
            return known
        return _Bucket(per_minute, per_minute, self._clock())

    def _look(self) -> tuple[int, ...] | None:
        try:
            now = os.stat(self._path)
        except OSError:
            return None
        return (now.st_mtime_ns, now.st_ino, now.st_dev, now.st_size)

    def refresh(self) -> None:
        """Read the file again if it has changed, or could not be read; else keep the previous keys.

        A fault is logged once.
        """
        if self._look() == self._seen and not self._is_unread:
            return
        try:
            self.load()
        except ConfigError as error:
            if str(error) != self._fault:
                get_logger().error("keys not reloaded", reason=str(error))
            self._fault = str(error)
        else:
            self._fault = ""
            get_logger().info("keys reloaded", n_keys=len(self._keys))

    async def watch(self) -> None:
        """Refresh every second until cancelled; the file is read on a thread."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await asyncio.to_thread(self.refresh)

    def requires_key(self, path: str, route: str = "") -> bool:
        """Return whether a request needs a key.

        Args:
            path: The path of the request.
            route: The template of its route.
        """
        if path in self._open_paths:
            return False
        return path.startswith(self._guarded_prefix) or route in self._guarded_routes

    def check(self, given: bytes | None, hint: str = BEARER.hint) -> str:
        """Check the key of a request, and count the request.

        Args:
            given: The key; None if there is none.
            hint: How to send one.

        Returns:
            The name of the key.

        Raises:
            MissingKey: There is no key.
            UnknownKey: The file does not have this key.
            RateLimited: The key has used up its requests of this minute.
        """
        if not given:
            raise MissingKey(f"Send {hint}.")
        key = self._find(hashlib.sha256(given).digest())
        if key is None:
            raise UnknownKey("This key is not known here.")
        if (bucket := self._buckets.get(key.name)) is not None:
            wait_s = bucket.take(self._clock())
            if wait_s > 0:
                raise RateLimited(
                    f"This key may make {bucket.per_minute} requests a minute. "
                    "Retry after the time in Retry-After.",
                    max(1, math.ceil(wait_s - 1e-6)),  # a rounding error is no second
                )
        return key.name

    def _find(self, digest: bytes) -> Key | None:
        """Return the key with this digest, in a time that does not depend on the keys."""
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found
