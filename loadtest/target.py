"""The server that gets the load: is it there, and which models does it serve?"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtest.problems import LoadTestError

_TIMEOUT_S = 5.0
_HOW_TO_START = """Start one in another terminal, on a core of its own where there are several:
  taskset -c 0 make serve
or name a running one: make load PROFILE=... HOST=http://..."""


@dataclass(frozen=True)
class Model:
    """A bundle that the server has loaded, as GET /v1/models describes it."""

    name: str
    task: str
    version: str
    sha256: str
    precision: str


@dataclass(frozen=True)
class Target:
    """A server.

    Args:
        host: Base URL.
        key: API key, if it asks for one.
        metrics_url: Of its metrics; `/metrics` of the host if empty.
    """

    host: str
    key: str = field(default="", repr=False)
    metrics_url: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no URL, and drop its last slash."""
        if not self.host.startswith(("http://", "https://")):
            raise LoadTestError(
                f"the host is {self.host!r}; it must begin with http:// or https://"
            )
        object.__setattr__(self, "host", self.host.rstrip("/"))

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def metrics(self) -> str:
        """Where its metrics are."""
        return self.metrics_url or f"{self.host}/metrics"

    def models(self, wait_s: float = 30.0) -> list[Model]:
        """Ask which models it serves, and wait while it is not ready.

        Raises:
            LoadTestError: Nobody or somebody else answers, it does not become ready, or it wants another key.
        """
        end = time.monotonic() + wait_s
        while True:
            status, body = self._get("/v1/models")
            if status == 200:
                return self._models_of(body)
            if status in {401, 403}:
                raise LoadTestError(
                    f"{self.host} answers {status}: put a key that it knows into LOADTEST_API_KEY"
                )
            if status != 503 or time.monotonic() > end:
                raise LoadTestError(f"{self.host}/v1/models answers {status}; is this a seqserve?")
            time.sleep(0.5)

    def _models_of(self, body: bytes) -> list[Model]:
        try:
            return [_model(card) for card in json.loads(body)["models"]]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise LoadTestError(
                f"{self.host}/v1/models names no models; is this a seqserve?"
            ) from error

    def _get(self, path: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.host + path, headers=self.headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_TIMEOUT_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (OSError, urllib.error.URLError) as error:
            raise LoadTestError(f"nobody answers at {self.host}.\n{_HOW_TO_START}") from error


def _model(card: Mapping[str, Any]) -> Model:
    return Model(**{key: str(card.get(key, "")) for key in Model.__dataclass_fields__})
