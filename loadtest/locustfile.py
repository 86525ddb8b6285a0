"""The same requests in Locust's web interface: `locust -f loadtest/locustfile.py`, from the project's root.

A user sends `--user-rate` requests per second, whatever is still unanswered; with 0 it waits for its answer
and then `--think` seconds. Every option is also a variable `LOADTEST_…` and, except for the key, a field of
the page. Profiles, objectives and reports are in `python -m loadtest` only.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import gevent
from locust import FastHttpUser, events, task

from loadtest.bodies import Mix, Request, requests
from loadtest.config import LoadTestError
from loadtest.metrics import Outcome, outcome_of
from loadtest.texts import samplers

TASKS = "ner=0.5,sentiment=0.3,translation=0.2"
_SUPPLIES: dict[Any, Iterator[Request]] = {}  # by the options; all users of a process share one


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: Any) -> None:
    """Add the options of the command line and the page."""

    def add(name: str, kind: type, default: Any, about: str, **more: Any) -> None:
        variable = f"LOADTEST_{name.upper().replace('-', '_')}"
        parser.add_argument(
            f"--{name}", type=kind, env_var=variable, default=default, help=about, **more
        )

    mix = Mix()
    # Not on the page: its source would contain the key.
    add("api-key", str, "", "API key of the service", include_in_web_ui=False)
    add("task-mix", str, TASKS, "weight of each task")
    add("batch-share", float, mix.batch_share, "share of requests with several texts")
    add("max-texts", int, mix.max_texts, "most texts of such a request")
    add("invalid-share", float, mix.invalid_share, "share of requests that must be refused")
    add("user-rate", float, 1.0, "requests per second of a user; 0: it waits for answers")
    add("think", float, 1.0, "seconds from an answer to the next request, if the rate is 0")


def tasks_of(text: str) -> dict[str, float]:
    """Parse `ner=0.5,sentiment=0.5`.

    Raises:
        LoadTestError: The text has another form.
    """
    try:
        pairs = (part.split("=") for part in text.split(","))
        return {name.strip(): float(weight) for name, weight in pairs}
    except ValueError as error:
        raise LoadTestError(f"tasks are {text!r}; write them as {TASKS}") from error


def _supply(options: Any) -> Iterator[Request]:
    values = (options.task_mix, options.batch_share, options.max_texts, options.invalid_share)
    if values not in _SUPPLIES:
        mix = Mix(tasks_of(values[0]), *values[1:])
        _SUPPLIES[values] = requests(mix, samplers(), seed=0)
    return _SUPPLIES[values]


class Visitor(FastHttpUser):  # type: ignore[misc, unused-ignore]
    """One user."""

    network_timeout = 65.0  # longer than the server takes for anything
    concurrency = 4096

    @task
    def visit(self) -> None:
        """Send until the user is stopped."""
        options = self.environment.parsed_options
        supply, due = _supply(options), time.perf_counter()
        while True:
            if options.user_rate:
                due += random.expovariate(options.user_rate)
                gevent.sleep(max(0.0, due - time.perf_counter()))
                gevent.spawn(self._send, next(supply), due)
            else:
                self._send(next(supply), time.perf_counter())
                gevent.sleep(options.think)

    def _send(self, request: Request, due: float) -> None:
        """Send a request; its latency counts from when it was due, and what is shed is no failure."""
        key = self.environment.parsed_options.api_key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with self.client.post(
            request.path,
            data=request.body,  # type: ignore[arg-type] # bytes are sent as they are
            headers={**headers, "Content-Type": request.content_type},
            name=request.name,
            catch_response=True,
        ) as response:
            status = response.status_code
            outcome = outcome_of(request, status)
            response.request_meta["response_time"] = (time.perf_counter() - due) * 1000
            if outcome is Outcome.SHED:
                response.request_meta["name"] = f"{request.path} shed {status}"
            if outcome is Outcome.FAILED:
                response.failure(f"status {status}, {request.flaw or 'valid'}")
            else:
                response.success()
