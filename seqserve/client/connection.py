"""What both clients make httpx of: address, key, time-outs, and the reasons why a request broke."""

from __future__ import annotations

import math
import re
import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx

from seqserve.client.exchange import Broken
from seqserve.errors import ConfigError

CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Address:
    """The address of the server, and the caller's key.

    Args:
        url: With http:// or https://; its path is a prefix of every route.
        api_key: Sent as `Authorization: Bearer`.
        verify: Whether to verify certificates, or the SSL context to use.

    Raises:
        ConfigError: The address or the key is not valid.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    verify: ssl.SSLContext | bool = True

    def __post_init__(self) -> None:
        """Refuse values that would make the first request fail."""
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ConfigError(f"url {self.url!r}: {error}") from None
        if url.scheme not in {"http", "https"} or not url.host:
            raise ConfigError(f"url {self.url!r}: must be like http://localhost:3000")
        if url.query or url.fragment:
            raise ConfigError(f"url {self.url!r}: must end with the path")
        if self.api_key is not None and not re.fullmatch(r"[!-~]+", self.api_key):
            raise ConfigError("api_key: must be printable ASCII without spaces, and not empty")

    def options(self) -> dict[str, Any]:
        """Return the arguments of httpx's clients, which take proxies from the environment."""
        headers = {"User-Agent": "seqserve-client", "Accept": "application/json, */*;q=0.1"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return {"base_url": self.url, "headers": headers, "verify": self.verify}


def timeout(seconds: float) -> httpx.Timeout:
    """Return the httpx timeouts for a request with this deadline."""
    if math.isinf(seconds):
        return httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    return httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT_S))


def broken(error: httpx.RequestError) -> Broken:
    """Describe why there was no response."""
    is_late = isinstance(error, httpx.TimeoutException) and not isinstance(
        error, httpx.ConnectTimeout
    )
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    url = error.request.url  # without its user and password
    address = f"{url.scheme}://{url.netloc.decode()}"
    return Broken(f"no answer from {address}: {reason}", is_late, _is_certificate(error))


def _is_certificate(error: BaseException | None) -> bool:
    """Return whether a refused certificate caused an exception."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
