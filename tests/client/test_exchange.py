"""Attempts, waits and deadlines, step by step, with a simulated clock."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from seqserve import errors
from seqserve.client.exchange import Answered, Broken, Send, Wait, ask, posting
from seqserve.client.policy import Deadline, Policy
from seqserve.client.problems import Reply, ServerUnreachable, UnexpectedAnswer
from tests.client.test_problems import HTML, TABLE, reply

FINE = Reply(200, {"x-request-id": "theirs"}, b"{}")
BUSY = reply(429, "overloaded", retry_after="2")
AWAY = Broken("ConnectError: refused")


@dataclass
class Play:
    """Replay the outcomes of attempts.

    Args:
        outcomes: Of the attempts.
        attempt_s: What each of them takes.
        seconds: Until the deadline.
    """

    outcomes: Sequence[Reply | Broken]
    attempt_s: float = 0.0
    seconds: float = 60.0
    policy: Policy = field(default_factory=Policy)
    now: float = 0.0
    sent: list[Send] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def run(self, what: Send | None = None, first: int = 0) -> Answered:
        deadline = Deadline(self.seconds, lambda: self.now)
        steps = ask(what or posting("/v1/ner", b"{}", self.policy), self.policy, deadline, first)
        outcomes = iter(self.outcomes)
        outcome: Reply | Broken | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                answered: Answered = end.value
                return answered
            if isinstance(step, Wait):
                self.waits.append(step.seconds)
                self.now += step.seconds
                outcome = None
            else:
                self.sent.append(step)
                self.now += self.attempt_s
                outcome = next(outcomes)


def test_an_answer_at_once() -> None:
    play = Play([FINE])
    assert play.run() == Answered(FINE, "theirs", 1)
    assert play.waits == []
    (sent,) = play.sent
    assert (sent.method, sent.path, sent.body, sent.timeout_s) == ("POST", "/v1/ner", b"{}", 60)
    assert sent.headers["X-Timeout-Ms"] == "60000"
    assert re.fullmatch("[0-9a-f]{32}", sent.headers["X-Request-ID"])


@pytest.mark.parametrize("code", [code for code, (_, is_retried) in TABLE.items() if is_retried])
def test_what_is_worth_a_retry_is_sent_again(code: str) -> None:
    play = Play([reply(TABLE[code][0].status, code), AWAY, Reply(502, HTML, b""), FINE])
    assert play.run().n_attempts == 4
    assert len(play.waits) == 3
    assert len({sent.headers["X-Request-ID"] for sent in play.sent}) == 1  # one line of the log


@pytest.mark.parametrize(
    "code", [code for code, (_, is_retried) in TABLE.items() if not is_retried]
)
def test_what_is_not_is_raised_at_once(code: str) -> None:
    kind, _ = TABLE[code]
    play = Play([reply(kind.status, code)])
    with pytest.raises(kind) as caught:
        play.run()
    assert type(caught.value) is kind and play.waits == []


def test_waits_are_random_up_to_a_bound_that_doubles() -> None:
    policy = Policy(attempts=6, first_wait_s=1, longest_wait_s=4)
    rounds = []
    for _ in range(200):
        play = Play([AWAY] * 5 + [FINE], policy=policy)
        play.run()
        rounds.append(play.waits)
    for waits, bound in zip(zip(*rounds, strict=True), (1, 2, 4, 4, 4), strict=True):
        assert 0 <= min(waits) < 0.2 * bound and 0.8 * bound < max(waits) <= bound


def test_retry_after_is_the_least_wait_and_jitter_comes_on_top() -> None:
    waits = set()
    for _ in range(50):
        play = Play([BUSY, FINE], policy=Policy(first_wait_s=0.5))
        play.run()
        waits |= set(play.waits)
    assert min(waits) >= 2 and max(waits) <= 2.5 and len(waits) > 40


def test_attempts_have_an_end() -> None:
    play = Play([BUSY] * 3, policy=Policy(attempts=3))
    with pytest.raises(errors.Overloaded) as caught:
        play.run()
    assert len(play.sent) == 3 and len(play.waits) == 2
    assert caught.value.retry_after_s == 2
    assert caught.value.__notes__[0].startswith("Sent 3 times, under the request id ")


def test_a_wait_beyond_the_deadline_is_not_waited() -> None:
    play = Play([reply(503, "not_ready", retry_after="5")], seconds=4.9)
    with pytest.raises(errors.NotReady):
        play.run()
    assert play.waits == [] and play.now == 0


def test_every_attempt_gets_the_time_that_is_left() -> None:
    play = Play([AWAY, AWAY, FINE], attempt_s=1.0, seconds=10, policy=Policy(first_wait_s=0))
    play.run()
    assert [sent.timeout_s for sent in play.sent] == [10, 9, 8]
    assert [sent.headers["X-Timeout-Ms"] for sent in play.sent] == ["10000", "9000", "8000"]


def test_no_attempt_begins_after_the_deadline() -> None:
    play = Play([], seconds=5)
    deadline = Deadline(5, lambda: play.now)
    play.now = 5.0
    with pytest.raises(errors.DeadlineExceeded, match="within timeout_s, 5 s") as caught:
        next(ask(Send("GET", "/"), Policy(), deadline))
    assert caught.value.request_id


def test_a_late_attempt_is_the_deadline() -> None:
    play = Play([Broken("ReadTimeout", is_late=True)], attempt_s=5, seconds=5)
    with pytest.raises(
        errors.DeadlineExceeded, match="Set a longer timeout, or send fewer texts"
    ) as caught:
        play.run()
    assert caught.value.request_id == play.sent[0].headers["X-Request-ID"]


def test_without_a_deadline_it_goes_on_for_all_attempts() -> None:
    play = Play([AWAY] * 7 + [FINE], attempt_s=1000, seconds=math.inf)
    assert play.run().n_attempts == 8
    assert all(sent.timeout_s == math.inf for sent in play.sent)
    assert not any("X-Timeout-Ms" in sent.headers for sent in play.sent)


def test_an_unreachable_server() -> None:
    play = Play([AWAY] * 2, policy=Policy(attempts=2))
    with pytest.raises(ServerUnreachable, match="ConnectError: refused") as caught:
        play.run()
    assert caught.value.request_id == play.sent[0].headers["X-Request-ID"]


def test_what_will_not_change_is_not_tried_again() -> None:
    play = Play([Broken("ConnectError: certificate", is_final=True)])
    with pytest.raises(ServerUnreachable, match="certificate"):
        play.run()
    assert len(play.sent) == 1


def test_another_success_is_no_answer() -> None:
    with pytest.raises(UnexpectedAnswer, match="204"):
        Play([Reply(204, {}, b"")]).run()


def test_an_index_counts_the_callers_texts() -> None:
    play = Play([reply(422, "invalid_field", "text[1] is empty.")])
    with pytest.raises(errors.InputError, match=r"text\[65\] is empty") as caught:
        play.run(first=64)
    assert caught.value.text_index == 65


def test_a_body_is_compressed_where_the_policy_says_so() -> None:
    plain = posting("/v1/ner", b"a" * 1000, Policy())
    small = posting("/v1/ner", b"a" * 1000, Policy(gzip=True))
    assert plain.body == gzip.decompress(small.body) and len(small.body) < 100
    assert "Content-Encoding" not in plain.headers
    assert small.headers == {**plain.headers, "Content-Encoding": "gzip"}
