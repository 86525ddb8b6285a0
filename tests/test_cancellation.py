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


def test_any_thread_may_cancel() -> None:
    cancellation = Cancellation(time.monotonic() + 1000)
    thread = Thread(target=cancellation.cancel)
    thread.start()
    thread.join()
    assert cancellation.is_over
