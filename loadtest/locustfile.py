"""The same traffic in Locust's own pages: `locust -f loadtest/locustfile.py`, from the root of the project.

A user sends `--user-rate` requests a second, whatever is still unanswered; with 0 it waits for its answer and
for `--think` seconds instead. Every option is also a variable `LOADTEST_…` and, but for the key, a field of the
page. Profiles, objectives and reports are those of `python -m loadtest`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import gevent
from locust import events, task

from loadtest.bodies import Mix, Request, requests
from loadtest.problems import LoadTestError
from loadtest.texts import samplers
from loadtest.traffic import Caller

TASKS = "ner=0.5,sentiment=0.3,translation=0.2"
_SUPPLIES: dict[Any, Iterator[Request]] = {}  # by the options; all users of a process share one


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: Any) -> None:
    """Add what can be set, on the command line and on the page."""

    def add(name: str, kind: type, default: Any, about: str, **more: Any) -> None:
        variable = f"LOADTEST_{name.upper().replace('-', '_')}"
        parser.add_argument(
            f"--{name}", type=kind, env_var=variable, default=default, help=about, **more
        )

    mix = Mix()
    # Not on the page: it would have the key in its source.
    add("api-key", str, "", "key that the server knows", include_in_web_ui=False)
    add("task-mix", str, TASKS, "weight of each task")
    add("batch-share", float, mix.batch_share, "share of requests with several texts")
    add("max-texts", int, mix.max_texts, "most texts of such a request")
    add("invalid-share", float, mix.invalid_share, "share of requests that must be refused")
    add("user-rate", float, 1.0, "requests a second of a user; 0: it waits for answers")
    add("think", float, 1.0, "seconds from an answer to the next request, if the rate is 0")


def tasks_of(text: str) -> dict[str, float]:
    """Read `ner=0.5,sentiment=0.5`.

    Raises:
        LoadTestError: It is written otherwise.
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


class Visitor(Caller):
    """One user of the page."""

    @task
    def visit(self) -> None:
        """Send until the user is stopped."""
        options = self.environment.parsed_options
        supply, key = _supply(options), options.api_key
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        if options.user_rate:
            self._send_when_due(supply, options.user_rate)
        while True:
            self.ask(next(supply), time.perf_counter())
            gevent.sleep(options.think)

    def _send_when_due(self, supply: Iterator[Request], rate: float) -> None:
        due = time.perf_counter()
        while True:
            due += random.expovariate(rate)
            gevent.sleep(max(0.0, due - time.perf_counter()))
            gevent.spawn(self.ask, next(supply), due)
