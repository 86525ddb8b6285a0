from __future__ import annotations

import math
from typing import Any

import pytest

from seqserve.client.policy import Deadline, Policy
from seqserve.errors import ConfigError

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no text": ({"max_texts": 0}, "max_texts is 0; it must be 1 or more"),
    "no byte": ({"max_bytes": 0}, "max_bytes is 0"),
    "nothing at once": ({"concurrency": 0}, "concurrency is 0"),
    "no attempt": ({"attempts": 0}, "attempts is 0"),
    "back in time": ({"first_wait_s": -0.1}, r"first_wait_s is -0.1; it must be 0 or more"),
    "no number": ({"longest_wait_s": math.nan}, "longest_wait_s is nan"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Policy(**options)


def test_waits_double_up_to_the_longest() -> None:
    policy = Policy(first_wait_s=0.5, longest_wait_s=3)
    assert [policy.longest_jitter_s(n) for n in (1, 2, 3, 4, 10**6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_a_deadline_lies_ahead(seconds: float) -> None:
    with pytest.raises(ConfigError, match=r"must be above 0, and math\.inf for no deadline"):
        Deadline(seconds)


def test_a_deadline_comes_nearer() -> None:
    now = 100.0
    deadline = Deadline(2.5, lambda: now)
    assert deadline.left_s() == 2.5 and deadline.header() == {"X-Timeout-Ms": "2500"}
    now = 102.0
    assert deadline.left_s() == 0.5 and deadline.header() == {"X-Timeout-Ms": "500"}
    now = 103.0
    assert deadline.left_s() == -0.5 and deadline.header() == {"X-Timeout-Ms": "1"}


def test_without_a_deadline_the_server_has_its_own() -> None:
    deadline = Deadline(math.inf)
    assert deadline.left_s() == math.inf and deadline.header() == {}
