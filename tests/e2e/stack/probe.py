"""Look at the running stack from inside its network: `python3 tests/e2e/stack/probe.py STEP...`.

Needs nothing but Python, since it runs in a bare container. Every step prints what it saw and fails otherwise.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable
from typing import Any

SERVICE, PROMETHEUS, ALERTMANAGER, NGINX = (
    ("service", 3000),
    ("prometheus", 9090),
    ("alertmanager", 9093),
    ("127.0.0.1", 8080),
)
REQUESTS = {
    "/v1/ner": {"text": "Angela Merkel visited Paris."},
    "/v1/sentiment": {"text": "A quiet, funny and deeply moving film."},
    "/v1/translate": {"text": "Return the number of days.", "source": "en", "target": "zh"},
}
PATIENCE_S = 240.0


def ask(address: tuple[str, int], path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of an answer; status 0 where there is none."""
    connection = http.client.HTTPConnection(*address, timeout=15)
    try:
        headers = {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, content, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def wait_until(what: str, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Say how long it took, or fail."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > patience_s:
            sys.exit(f"not within {patience_s:g} s: {what}")
        time.sleep(0.25)
    print(f"{what}: after {time.monotonic() - start:.1f} s")


def predictions(address: tuple[str, int] = SERVICE) -> None:
    """One request per task."""
    for path, body in REQUESTS.items():
        status, answer = ask(address, path, body)
        if status != 200:
            sys.exit(f"{path}: {status} {answer}")
        print(path, json.dumps(answer["results"], ensure_ascii=False))


def page() -> None:
    """The demo page and the files that it asks for."""
    for path, wanted in (
        ("/", b"<title>"),
        ("/page/app.js", b"import "),
        ("/docs.json", b"examples"),
    ):
        connection = http.client.HTTPConnection(*SERVICE, timeout=15)
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200 or wanted not in response.read():
            sys.exit(f"{path}: {response.status}, or not what it should be")
    print("the demo page is there")


def through_nginx() -> None:
    """The same, through the proxy, which keeps the page of metrics to itself."""
    predictions(NGINX)
    connection = http.client.HTTPConnection(*NGINX, timeout=15)
    connection.request("GET", "/metrics")
    if (status := connection.getresponse().status) != 404:
        sys.exit(f"/metrics through the proxy: {status}")


def is_ready() -> bool:
    """Does the service say so?"""
    return ask(SERVICE, "/readyz")[0] == 200


def not_ready() -> None:
    """The service noticed that something is gone."""
    wait_until("not ready", lambda: not is_ready(), 5)


def started() -> None:
    """The service has opened its models."""
    wait_until("started", is_ready, 60)


def ready() -> None:
    """The service is whole again."""
    wait_until("ready", is_ready, 10)


def target() -> None:
    """Prometheus reads the service's metrics, and all its rules are healthy."""

    def is_read() -> bool:
        _, found = ask(PROMETHEUS, "/api/v1/targets?state=active")
        targets = found["data"]["activeTargets"] if found else []
        return bool(targets) and all(one["health"] == "up" for one in targets)

    wait_until("Prometheus reads the service", is_read)
    wait_until("every rule was evaluated", lambda: all(h == "ok" for h in _rules()))
    print(f"{len(_rules())} rules are healthy")


def _rules() -> list[str]:
    _, found = ask(PROMETHEUS, "/api/v1/rules")
    groups = found["data"]["groups"] if found else []
    return [rule["health"] for group in groups for rule in group["rules"]] or ["none"]


def alert() -> None:
    """The alert about a service that is gone fires, and Alertmanager has it."""

    def names() -> list[str]:
        _, found = ask(ALERTMANAGER, "/api/v2/alerts")
        return [one["labels"]["alertname"] for one in found or []]

    wait_until("Alertmanager has SeqserveAbsent", lambda: "SeqserveAbsent" in names())


STEPS: dict[str, Callable[[], None]] = {
    "predictions": predictions,
    "page": page,
    "nginx": through_nginx,
    "started": started,
    "not-ready": not_ready,
    "ready": ready,
    "target": target,
    "alert": alert,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        STEPS[name]()
