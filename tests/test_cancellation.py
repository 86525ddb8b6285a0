"""Work continues until its deadline or its cancellation."""

from __future__ import annotations

import time
from threading import Thread

from seqserve.cancellation import Cancellation


def test_without_a_deadline_an_answer_is_wanted_for_ever() -> None:
    assert not Cancellation().is_over


def test_an_answer_is_wanted_until_its_deadline() -> None:
    now = time.monotonic()
    assert not Cancellation(now + 1000).is_over
    assert Cancellation(now).is_over


def test_the_end_is_noticed_by_who_looks() -> None:
    cancellation = Cancellation(time.monotonic() + 1000)
    assert not cancellation.is_over and not cancellation.is_noticed
    cancellation.cancel()
    assert not cancellation.is_noticed
    assert cancellation.is_over and cancellation.is_noticed
    assert not Cancellation().is_noticed  # of one request, not of all


def test_any_thread_may_cancel() -> None:
    cancellation = Cancellation(time.monotonic() + 1000)
    thread = Thread(target=cancellation.cancel)
    thread.start()
    thread.join()
    assert cancellation.is_over
