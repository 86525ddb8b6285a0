"""The scheduler: every piece is done, short calls overtake long ones, errors stay with their calls."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, Event, Lock, Thread

import pytest

from seqserve.runtime.scheduler import Scheduler

PATIENCE = 20  # seconds until a test that hangs fails


@dataclass(eq=False)
class Sum:
    """Adds up the numbers below `n`, one a step, with others of its group."""

    n: int
    group: str = ""
    on_turn: Callable[[int], None] = lambda turn: None
    total: int = 0
    turn: int = 0
    is_done: bool = False

    @property
    def size(self) -> int:
        return self.n

    def add(self) -> None:
        self.on_turn(self.turn)
        self.total += self.turn
        self.turn += 1
        self.is_done = self.turn >= self.n


@dataclass
class Sums:
    pieces: Sequence[Sum]

    def advance(self) -> None:
        for piece in self.pieces:
            if not piece.is_done:
                piece.add()


@dataclass
class Chooser:
    """Puts pieces of one group together, and remembers what it was asked."""

    at_most: int = 100
    seen: list[tuple[list[Sum], int]] = field(default_factory=list)

    def __call__(self, waiting: Sequence[Sum], n_shares: int) -> list[Sum]:
        self.seen.append((list(waiting), n_shares))
        return [piece for piece in waiting if piece.group == waiting[0].group][: self.at_most]


def crew_of(n_workers: int, choose: Chooser | None = None) -> Scheduler[Sum]:
    return Scheduler(n_workers, choose or Chooser(), Sums)


def wait_for_calls(crew: Scheduler[Sum], n_calls: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(crew._calls) < n_calls:
        assert time.monotonic() < end, "the calls never came"
        time.sleep(0.001)


@pytest.mark.parametrize("n_workers", [1, 3])
@pytest.mark.parametrize("at_most", [1, 4, 100])
def test_every_piece_is_computed_to_its_end_and_no_further(n_workers: int, at_most: int) -> None:
    pieces = [Sum(n, group=str(n % 3)) for n in range(1, 60)]
    crew_of(n_workers, Chooser(at_most)).run(pieces)
    assert [piece.total for piece in pieces] == [n * (n - 1) // 2 for n in range(1, 60)]
    assert [piece.turn for piece in pieces] == list(range(1, 60))


@pytest.mark.parametrize("n_workers", [1, 3])
def test_calls_of_many_threads_all_get_their_results(n_workers: int) -> None:
    crew = crew_of(n_workers, Chooser(5))
    calls = [[Sum(1 + (i * j) % 23, group=str(j % 2)) for j in range(30)] for i in range(12)]
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(crew.run, calls, timeout=PATIENCE))
    for piece in (piece for call in calls for piece in call):
        assert (piece.turn, piece.total) == (piece.n, piece.n * (piece.n - 1) // 2)


def test_who_leaves_hands_its_place_to_somebody_that_waits() -> None:
    crew, both = crew_of(2), Barrier(2, timeout=PATIENCE)

    def meet(turn: int) -> None:  # only two threads that compute at the same time get past this
        if turn == 5:
            both.wait()

    with ThreadPoolExecutor(3) as threads:
        futures = []

        def on_turn(turn: int) -> None:  # the first call has a worker until the others are there
            if turn == 0:
                for n_calls, group in enumerate(("a", "b"), start=2):
                    futures.append(threads.submit(crew.run, [Sum(9, group, meet)]))
                    wait_for_calls(crew, n_calls)

        threads.submit(crew.run, [Sum(2, "first", on_turn)]).result(PATIENCE)
        for future in futures:
            future.result(PATIENCE)


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_every_call_of_a_crowd_ends(n_workers: int) -> None:
    """Whoever waits is woken: also where pieces are given up, jobs fail and calls come all the time."""
    rng = random.Random(n_workers)

    def call(seed: int) -> Sequence[Sum]:
        rng = random.Random(seed)
        pieces = [Sum(rng.randrange(1, 9), str(rng.randrange(3))) for _ in range(rng.randrange(6))]
        given_up = rng.choice([[], pieces, pieces[:1]])

        def on_turn(turn: int) -> None:
            time.sleep(rng.choice([0, 0, 0.0005]))
            for piece in given_up:
                piece.is_done = True
            if rng.random() < 0.03:
                raise ZeroDivisionError("it broke")

        for piece in pieces[-1:]:
            piece.on_turn = on_turn
        return pieces

    crew = crew_of(n_workers, Chooser(4))
    calls = [call(rng.randrange(10**9)) for _ in range(600)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda pieces: outcome(crew, pieces), calls, timeout=PATIENCE))
    n_failed = sum(one.error is not None for one in found)
    assert 0 < n_failed < len(calls) / 2
    for pieces, one in zip(calls, found, strict=True):
        assert one.error or all(piece.is_done for piece in pieces)


@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_call_without_pieces_returns(n_workers: int) -> None:
    crew = crew_of(n_workers)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(crew.run, []).result(PATIENCE)
    piece = Sum(3)
    crew.run([piece])
    assert piece.total == 3


def run_in_time(crew: Scheduler[Sum], pieces: Sequence[Sum]) -> None:
    """Fail where the call would wait for ever."""
    thread = Thread(target=crew.run, args=(pieces,), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize("n_workers", [1, 3])
@pytest.mark.parametrize("n_left", [0, 2], ids=["all", "some"])
def test_pieces_that_were_given_up_are_not_computed(n_workers: int, n_left: int) -> None:
    given_up = [Sum(9, is_done=True) for _ in range(3)]
    left = [Sum(4) for _ in range(n_left)]
    run_in_time(crew_of(n_workers), [*given_up, *left])
    assert [piece.turn for piece in (*given_up, *left)] == [0] * 3 + [4] * n_left


def test_pieces_that_are_given_up_while_they_wait_are_not_computed() -> None:
    crew = crew_of(1)
    waiting = [Sum(9, "later"), Sum(9, "later")]
    late = Thread(target=crew.run, args=(waiting,), daemon=True)

    def on_turn(turn: int) -> None:  # holds the only worker until the other call is there
        if turn == 0:
            late.start()
            wait_for_calls(crew, 2)
            for piece in waiting:
                piece.is_done = True

    run_in_time(crew, [Sum(3, "first", on_turn)])
    late.join(PATIENCE)
    assert not late.is_alive()
    assert [piece.turn for piece in waiting] == [0, 0]


@pytest.mark.parametrize("n_long", [1, 40], ids=["one long piece", "many long pieces"])
@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_short_call_is_finished_long_before_a_long_one(n_workers: int, n_long: int) -> None:
    crew = crew_of(n_workers, Chooser(1))
    n_turns, short_turns = 0, 5
    before_and_after: list[int] = []
    counting = Lock()
    has_returned = Event()

    def short_call() -> None:
        crew.run([Sum(short_turns, "short", note_turns)])
        has_returned.set()

    def note_turns(turn: int) -> None:
        with counting:
            before_and_after.append(n_turns)

    short = Thread(target=short_call)

    def on_turn(turn: int) -> None:
        nonlocal n_turns
        with counting:
            n_turns += 1
            is_tenth = n_turns == 10
        if is_tenth:
            short.start()
            if n_workers == 1:  # with more, another thread may have done it all by now
                wait_for_calls(crew, 2)
        elif n_turns > 10:
            has_returned.wait(0.0005)  # lets the other thread run

    crew.run([Sum(4000 // n_long, "long", on_turn) for _ in range(n_long)])
    was_overtaken = has_returned.is_set()
    short.join(PATIENCE)
    assert was_overtaken
    assert n_turns == 4000 // n_long * n_long
    assert len(before_and_after) == short_turns
    jobs_at_once = 2 * n_workers
    assert before_and_after[-1] - 10 <= (short_turns + 1) * jobs_at_once


@pytest.mark.parametrize("n_workers", [1, 2, 3])
def test_never_more_threads_compute_than_workers_and_at_times_as_many(n_workers: int) -> None:
    crew = crew_of(n_workers, Chooser(1))
    lock, n_now, most = Lock(), 0, 0

    def on_turn(turn: int) -> None:
        nonlocal n_now, most
        with lock:
            n_now += 1
            most = max(most, n_now)
        time.sleep(0.001)
        with lock:
            n_now -= 1

    calls = [[Sum(5, on_turn=on_turn) for _ in range(3)] for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(crew.run, calls, timeout=PATIENCE))
    assert most == n_workers


def test_a_lone_call_is_helped_by_the_other_workers() -> None:
    meeting = Barrier(3)

    def on_turn(turn: int) -> None:
        meeting.wait(PATIENCE)

    pieces = [Sum(1, on_turn=on_turn) for _ in range(3)]
    crew_of(3, Chooser(1)).run(pieces)  # each waits for the other two
    assert all(piece.is_done for piece in pieces)


def run_with_others(crew: Scheduler[Sum], held: Sum, others: Sequence[Sequence[Sum]]) -> None:
    """Run `held` on the only worker, and the other calls as soon as it has had its first turn."""
    threads = [Thread(target=crew.run, args=(pieces,), daemon=True) for pieces in others]

    def on_turn(turn: int) -> None:
        if turn == 0:
            for n, thread in enumerate(threads, start=2):
                thread.start()
                wait_for_calls(crew, n)

    held.on_turn = on_turn
    crew.run([held])
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_the_chooser_is_asked_for_what_waits_in_turn_and_told_how_to_share_it() -> None:
    choose = Chooser()
    calls = [[Sum(2, "b") for _ in range(2)] for _ in range(2)]
    run_with_others(crew_of(1, choose), Sum(1, "a"), calls)
    (_, alone), (waiting, together) = choose.seen
    assert alone == 1
    assert together == 2  # calls: the pieces of the first should not wait for all others
    assert waiting == [calls[0][0], calls[1][0], calls[0][1], calls[1][1]]


@pytest.mark.parametrize(
    ("sizes", "finished"),
    [
        pytest.param([20, 20], [20, 40], id="as-large-waits"),
        pytest.param([20, 3], [20, 23], id="much-smaller-waits"),
        pytest.param([20, 2], [22, 4], id="small-goes-beside"),
        pytest.param([50, 5, 5], [60, 10, 19], id="one-beside-at-a-time"),
        pytest.param([20, 30, 2], [22, 52, 4], id="small-passes-what-waits"),
    ],
)
def test_who_goes_beside_and_who_waits(sizes: list[int], finished: list[int]) -> None:
    """On one worker; counted in turns of all together."""
    n_turns, ends = 0, {}

    class Noting(Sum):
        def add(self) -> None:
            nonlocal n_turns
            super().add()
            n_turns += 1
            if self.is_done:
                ends[self] = n_turns

    pieces = [Noting(size) for size in sizes]
    run_with_others(crew_of(1, Chooser(1)), pieces[0], [[piece] for piece in pieces[1:]])
    assert [ends[piece] for piece in pieces] == finished


def test_who_comes_later_is_not_put_among_the_many_of_a_long_call() -> None:
    choose = Chooser(1)
    crew = crew_of(2, choose)

    both_at_work, both_saw_it = Barrier(3), Barrier(2)

    def hold(turn: int) -> None:  # both workers, until the other call is there
        if turn == 0:
            both_at_work.wait(PATIENCE)
            wait_for_calls(crew, 2)
            both_saw_it.wait(PATIENCE)

    long_call = [Sum(9, on_turn=hold), Sum(900, on_turn=hold), *(Sum(9) for _ in range(9))]
    first = Thread(target=crew.run, args=(long_call,), daemon=True)
    first.start()
    both_at_work.wait(PATIENCE)
    later = Sum(500)  # too large to run with the others
    crew.run([later])
    first.join(PATIENCE)
    assert not first.is_alive()
    assert [waiting for waiting, _ in choose.seen if later in waiting] == [[later]]


@dataclass(frozen=True)
class Outcome:
    error: Exception | None


def outcome(crew: Scheduler[Sum], pieces: Sequence[Sum]) -> Outcome:
    try:
        crew.run(pieces)
    except ZeroDivisionError as error:
        return Outcome(error)
    return Outcome(None)


@pytest.mark.parametrize("fails_at", [0, 2], ids=["first turn", "later turn"])
def test_an_error_reaches_the_calls_with_pieces_in_the_job_and_no_others(fails_at: int) -> None:
    crew = crew_of(1)

    def fail(turn: int) -> None:
        if turn == fails_at:
            raise ZeroDivisionError("it broke")

    calls = {
        "its own piece": [Sum(9, "bad", fail), Sum(3, "good")],
        "together with it": [Sum(9, "bad")],
        "beside it": [Sum(5, "good")],
    }
    with ThreadPoolExecutor(3) as threads:
        futures = {}

        def on_turn(turn: int) -> None:  # holds the only worker until all calls are there
            for n, (name, pieces) in enumerate(calls.items(), start=2):
                futures[name] = threads.submit(outcome, crew, pieces)
                wait_for_calls(crew, n)

        assert outcome(crew, [Sum(1, "holder", on_turn)]).error is None
        errors = {name: future.result(PATIENCE).error for name, future in futures.items()}
    assert {name: str(error) for name, error in errors.items()} == {
        "its own piece": "it broke",
        "together with it": "it broke",
        "beside it": "None",
    }
    assert [piece.is_done for piece in calls["its own piece"]] == [False, True]
    assert calls["beside it"][0].total == 10


@pytest.mark.parametrize("n_workers", [1, 3])
def test_the_crew_goes_on_after_errors(n_workers: int) -> None:
    def begin(pieces: Sequence[Sum]) -> Sums:
        if any(piece.group == "unreadable" for piece in pieces):
            raise ZeroDivisionError("cannot begin")
        return Sums(pieces)

    crew = Scheduler(n_workers, Chooser(1), begin)
    for _ in range(4 * n_workers):  # more than jobs are allowed at once
        with pytest.raises(ZeroDivisionError, match="cannot begin"):
            crew.run([Sum(1, "unreadable"), Sum(2, "good")])
    pieces = [Sum(n) for n in range(1, 20)]
    crew.run(pieces)
    assert [piece.turn for piece in pieces] == list(range(1, 20))
