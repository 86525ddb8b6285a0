"""Check the running stack from inside its network: `python3 tests/e2e/stack/probe.py STEP...`.

Needs only the standard library, since it runs in a bare container. A step prints its result or exits with an
error.
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


def fetch(address: tuple[str, int], path: str, body: object = None) -> tuple[int, bytes]:
    """Return status and body of a response; status 0 if there is none."""
    connection = http.client.HTTPConnection(*address, timeout=15)
    try:
        headers = {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, content, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def ask(address: tuple[str, int], path: str, body: object = None) -> tuple[int, Any]:
    """Return status and parsed JSON body of a response."""
    status, content = fetch(address, path, body)
    return status, json.loads(content or b"null")


def wait_until(what: str, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition and print how long it took, or exit with an error."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > patience_s:
            sys.exit(f"not within {patience_s:g} s: {what}")
        time.sleep(0.25)
    print(f"{what}: after {time.monotonic() - start:.1f} s")


def predictions(address: tuple[str, int] = SERVICE) -> None:
    """Send one request per task."""
    for path, body in REQUESTS.items():
        status, answer = ask(address, path, body)
        if status != 200:
            sys.exit(f"{path}: {status} {answer}")
        print(path, json.dumps(answer["results"], ensure_ascii=False))


def page() -> None:
    """Check the demo page and the files that it loads."""
    for path, wanted in (
        ("/", b"<title>"),
        ("/page/app.js", b"import "),
        ("/docs.json", b"examples"),
    ):
        status, content = fetch(SERVICE, path)
        if status != 200 or wanted not in content:
            sys.exit(f"{path}: {status}, or not what it should be")
    print("the demo page is there")


def through_nginx() -> None:
    """Send the requests through the proxy, which must not expose /metrics."""
    predictions(NGINX)
    if (status := fetch(NGINX, "/metrics")[0]) != 404:
        sys.exit(f"/metrics through the proxy: {status}")


def is_ready() -> bool:
    """Return whether /readyz succeeds."""
    return ask(SERVICE, "/readyz")[0] == 200


def restarted() -> None:
    """Wait until the restart of the sentiment runner is counted."""
    counted = b'seqserve_process_restarts_total{process="sentiment"} 1.0'
    wait_until("restarted", lambda: counted in fetch(SERVICE, "/metrics")[1], 10)


def started() -> None:
    """Wait for the service to load its models."""
    wait_until("started", is_ready, 60)


def ready() -> None:
    """Wait for the service to be ready again."""
    wait_until("ready", is_ready, 10)


def target() -> None:
    """Check that Prometheus scrapes the service and that all rules are healthy."""

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
    """Wait for Alertmanager to receive the alert about the missing service."""

    def names() -> list[str]:
        _, found = ask(ALERTMANAGER, "/api/v2/alerts")
        return [one["labels"]["alertname"] for one in found or []]

    wait_until("Alertmanager has SeqserveAbsent", lambda: "SeqserveAbsent" in names())


STEPS: dict[str, Callable[[], None]] = {
    "predictions": predictions,
    "page": page,
    "nginx": through_nginx,
    "started": started,
    "restarted": restarted,
    "ready": ready,
    "target": target,
    "alert": alert,
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        STEPS[name]()
