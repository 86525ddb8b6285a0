"""The same requests in Locust's web interface: `locust -f loadtest/locustfile.py`, from the project's root.

A user waits for its answer and then a second. Profiles, open streams, objectives and reports are in
`python -m loadtest` only. The API key is read from LOADTEST_API_KEY.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from locust import FastHttpUser, constant, task

from loadtest.bodies import Request, requests
from loadtest.metrics import Outcome, outcome_of
from loadtest.profiles import read_profiles
from loadtest.service import Service, key_of_environment
from loadtest.texts import samplers


@cache
def _supply() -> Iterator[Request]:
    """Return the requests of the profile smoke; all users share them."""
    return requests(read_profiles()["smoke"].streams[0].mix, samplers(), seed=0)


class Visitor(FastHttpUser):  # type: ignore[misc, unused-ignore]
    """One user."""

    network_timeout = 65.0  # longer than the server takes for anything
    wait_time = constant(1)  # type: ignore[no-untyped-call, unused-ignore]

    @task
    def visit(self) -> None:
        """Send one request; what is shed is no failure."""
        request = next(_supply())
        headers = Service(self.host or "", key_of_environment()).headers
        with self.client.post(
            request.path,
            data=request.body,  # type: ignore[arg-type] # bytes are sent as they are
            headers={**headers, **request.headers, "Content-Type": request.content_type},
            name=request.name,
            catch_response=True,
        ) as response:
            status = response.status_code
            outcome = outcome_of(request, status)
            if outcome is Outcome.SHED:
                response.request_meta["name"] = f"{request.path} shed {status}"
            if outcome is Outcome.FAILED:
                response.failure(f"status {status}, {request.flaw or 'valid'}")
            else:
                response.success()
