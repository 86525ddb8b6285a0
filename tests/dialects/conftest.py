"""A running server with every dialect, which .ci/dialects starts; without it, nothing here is collected."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

collect_ignore_glob = [] if "DIALECTS_URL" in os.environ else ["test_*.py"]

N_AT_ONCE = 24


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["DIALECTS_URL"]


@pytest.fixture(scope="session")
def key() -> str:
    return os.environ["DIALECTS_KEY"]


@pytest.fixture(scope="session")
def program() -> str:
    """Return the command line of the project, which this environment cannot import."""
    return os.environ["DIALECTS_PROGRAM"]


@contextmanager
def many_at_once(call: Callable[[], object]) -> Iterator[list[object]]:
    """Make a call many times at once, on a server with room for one text; yield answers and exceptions."""

    def outcome(_: int) -> object:
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(N_AT_ONCE) as pool:
        yield list(pool.map(outcome, range(N_AT_ONCE)))
