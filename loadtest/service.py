"""The service under test: whether it is ready, and which models it serves."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtest.config import LoadTestError

_TIMEOUT_S = 5.0
_KEY_VARIABLE = "LOADTEST_API_KEY"
_HOW_TO_START = """Start one in another terminal, on a core of its own where there are several:
  taskset -c 0 make serve
or name a running one: make load PROFILE=... HOST=http://..."""


@dataclass(frozen=True)
class Model:
    """A model that the service has loaded, as GET /v1/models describes it."""

    name: str
    task: str
    version: str
    sha256: str
    precision: str


@dataclass(frozen=True)
class Service:
    """A running service.

    Args:
        host: Base URL.
        key: API key, if one is required.
        metrics_url: Of its metrics; `/metrics` of the host if empty.

    Raises:
        LoadTestError: The host is not a URL.
    """

    host: str
    key: str = field(default="", repr=False)
    metrics_url: str = ""

    def __post_init__(self) -> None:
        """Validate the URL, and drop a trailing slash."""
        if not self.host.startswith(("http://", "https://")):
            raise LoadTestError(
                f"the host is {self.host!r}; it must begin with http:// or https://"
            )
        object.__setattr__(self, "host", self.host.rstrip("/"))

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that every request carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def metrics(self) -> str:
        """Return the URL of its metrics."""
        return self.metrics_url or f"{self.host}/metrics"

    def models(self, wait_s: float = 30.0) -> list[Model]:
        """List the models that it serves; wait while it is not ready.

        Raises:
            LoadTestError: There is no such service, it does not become ready, or it requires another key.
        """
        end = time.monotonic() + wait_s
        while True:
            status, body = self._get("/v1/models")
            if status == 200:
                try:
                    return [_model(info) for info in json.loads(body)["models"]]
                except (ValueError, LookupError, TypeError, AttributeError) as error:
                    raise LoadTestError(
                        f"{self.host}/v1/models lists no models; is this a seqserve?"
                    ) from error
            if status in {401, 403}:
                raise LoadTestError(
                    f"{self.host} answers {status}: put a valid API key into {_KEY_VARIABLE}"
                )
            if status != 503 or time.monotonic() > end:
                raise LoadTestError(f"{self.host}/v1/models answers {status}; is this a seqserve?")
            time.sleep(0.5)

    def require_dialects(self, names: Iterable[str]) -> None:
        """Check that it has dialects.

        Raises:
            LoadTestError: It lacks one; the message says how to start it.
        """
        missing = [name for name in names if self._get(f"/{name}/docs.json")[0] == 404]
        if missing:
            raise LoadTestError(
                f"{self.host} does not have the dialects of this profile: start it with "
                f"SEQSERVE_DIALECTS={','.join(missing)}"
            )

    def _get(self, path: str) -> tuple[int, bytes]:
        try:
            return get(self.host + path, self.headers, _TIMEOUT_S)
        except OSError as error:
            raise LoadTestError(f"no server answers at {self.host}.\n{_HOW_TO_START}") from error


def key_of_environment() -> str:
    """Return the API key in LOADTEST_API_KEY; empty if it is not set."""
    return os.environ.get(_KEY_VARIABLE, "")


def get(url: str, headers: Mapping[str, str], timeout_s: float) -> tuple[int, bytes]:
    """Request a page without a proxy; return its status and body.

    Raises:
        OSError: There is no response.
    """
    request = urllib.request.Request(url, headers=dict(headers))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def _model(info: Mapping[str, Any]) -> Model:
    return Model(**{key: str(info.get(key, "")) for key in Model.__dataclass_fields__})
