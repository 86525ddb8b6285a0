"""The search compared with plain Python and enumeration, with a model that depends only on its prefix."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.search import (
    Hypothesis,
    SearchOptions,
    SearchVocabulary,
    beam_search,
    greedy_search,
)
from seqserve.errors import ConfigError

START, END, BANNED = 0, 1, 2
VOCABULARY = SearchVocabulary(START, END, (BANNED,))


@dataclass
class Calls:
    """The calls of the search to the model."""

    steps: list[tuple[int, ...]] = field(default_factory=list)
    selects: list[IntArray] = field(default_factory=list)


@dataclass(frozen=True)
class PrefixState:
    """The sentence and prefix of every row: a wrong `select` causes wrong log-probabilities."""

    prefixes: tuple[tuple[int, ...], ...]
    calls: Calls = field(default_factory=Calls)

    def select(self, rows: IntArray) -> PrefixState:
        self.calls.selects.append(rows.copy())
        chosen = tuple(self.prefixes[row] for row in rows.ravel())
        for line in rows:
            assert len({self.prefixes[row][0] for row in line}) == 1, "a line mixes sentences"
        return PrefixState(chosen, self.calls)


class PrefixModel:
    """A model whose log-probabilities are a function of the sentence and the prefix, start symbol included."""

    def __init__(self, n_symbols: int, end_boost: float = 0.0) -> None:
        self.n_symbols = n_symbols
        self.end_boost = end_boost

    def log_probs(self, prefix: tuple[int, ...]) -> FloatArray:
        logits = np.random.default_rng(prefix).standard_normal(self.n_symbols) * 2
        logits[END] += self.end_boost
        return (logits - np.logaddexp.reduce(logits)).astype(np.float32)

    def start(self, sentences: list[int]) -> PrefixState:
        return PrefixState(tuple((sentence,) for sentence in sentences))

    def step(self, last: IntArray, state: PrefixState) -> tuple[FloatArray, PrefixState]:
        state.calls.steps.append(last.shape)
        prefixes = tuple(
            (*prefix, token)
            for prefix, token in zip(state.prefixes, last.ravel().tolist(), strict=True)
        )
        rows = np.stack([self.log_probs(prefix) for prefix in prefixes])
        return rows.reshape(*last.shape, -1), PrefixState(prefixes, state.calls)


def search(
    model: PrefixModel, sentences: list[int], max_tokens: list[int], **options: Any
) -> list[list[Hypothesis]]:
    limits = np.array(max_tokens, np.int64)
    start = model.start(sentences)
    return beam_search(model.step, start, VOCABULARY, limits, SearchOptions(**options))


def slow_beam_search(
    model: PrefixModel, sentence: int, max_tokens: int, options: SearchOptions
) -> list[Hypothesis]:
    """A simple implementation of the search for one sentence."""
    live: list[tuple[tuple[int, ...], np.float32]] = [((), np.float32(0))]
    found: list[Hypothesis] = []
    for n_tokens in range(1, max_tokens + 1):
        candidates = [
            ((*tokens, symbol), total + log_prob)
            for tokens, total in live
            for symbol, log_prob in enumerate(model.log_probs((sentence, START, *tokens)))
            if symbol not in (START, BANNED)
        ]
        candidates.sort(key=lambda candidate: -candidate[1])
        for tokens, total in candidates[: options.beam_size]:
            if tokens[-1] == END:
                found.append(Hypothesis(tokens[:-1], float(total), float(total) / n_tokens, True))
        live = [c for c in candidates if c[0][-1] != END][: options.beam_size]
        if len(found) >= options.beam_size:
            break
    else:
        found += [
            Hypothesis(t, float(total), float(total) / max_tokens, False) for t, total in live
        ]
    penalty = options.length_penalty
    found.sort(key=lambda h: -h.log_prob / (len(h.tokens) + h.is_finished) ** penalty)
    return found[: options.n_best]


def all_hypotheses(model: PrefixModel, sentence: int, max_tokens: int) -> list[Hypothesis]:
    """Return all outputs of up to max_tokens tokens, in no order."""
    symbols = [s for s in range(model.n_symbols) if s not in (START, END, BANNED)]
    endings = [(*t, END) for n in range(max_tokens) for t in product(symbols, repeat=n)]
    cut = list(product(symbols, repeat=max_tokens))
    hypotheses = []
    for tokens in [*endings, *cut]:
        log_prob = sum(
            float(model.log_probs((sentence, START, *tokens[:n]))[symbol])
            for n, symbol in enumerate(tokens)
        )
        is_finished = tokens[-1] == END
        spoken = tokens[:-1] if is_finished else tokens
        hypotheses.append(Hypothesis(spoken, log_prob, log_prob / len(tokens), is_finished))
    return hypotheses


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize(("n_symbols", "max_tokens"), [(4, 4), (5, 3), (6, 3), (6, 4)])
def test_a_large_beam_finds_the_best_of_all_sequences(
    n_symbols: int, max_tokens: int, length_penalty: float
) -> None:
    model = PrefixModel(n_symbols)
    everything = all_hypotheses(model, 3, max_tokens)
    beam_size = len(everything) + 1

    (found,) = search(
        model,
        [3],
        [max_tokens],
        beam_size=beam_size,
        n_best=beam_size,
        length_penalty=length_penalty,
    )

    expected = sorted(
        everything, key=lambda h: -h.log_prob / (len(h.tokens) + h.is_finished) ** length_penalty
    )
    assert [h.tokens for h in found] == [h.tokens for h in expected]
    assert [h.is_finished for h in found] == [h.is_finished for h in expected]
    np.testing.assert_allclose(
        [(h.log_prob, h.score) for h in found], [(h.log_prob, h.score) for h in expected], rtol=1e-5
    )


@settings(max_examples=60, deadline=None)
@given(
    sentences=st.lists(st.integers(0, 999), min_size=1, max_size=4),
    beam_size=st.integers(1, 5),
    length_penalty=st.sampled_from([0.0, 0.7, 1.0, 1.5]),
    end_boost=st.sampled_from([-2.0, 0.0, 3.0]),
    data=st.data(),
)
def test_a_batch_gives_what_the_slow_search_gives_for_each_sentence(
    sentences: list[int],
    beam_size: int,
    length_penalty: float,
    end_boost: float,
    data: st.DataObject,
) -> None:
    model = PrefixModel(7, end_boost)
    max_tokens = [data.draw(st.integers(1, 7)) for _ in sentences]
    n_best = data.draw(st.integers(1, beam_size))
    options = {"beam_size": beam_size, "length_penalty": length_penalty, "n_best": n_best}

    together = search(model, sentences, max_tokens, **options)

    for sentence, limit, hypotheses in zip(sentences, max_tokens, together, strict=True):
        slow = slow_beam_search(model, sentence, limit, SearchOptions(**options))
        assert hypotheses == slow
        assert search(model, [sentence], [limit], **options) == [hypotheses]


@settings(max_examples=30, deadline=None)
@given(sentence=st.integers(0, 999), beam_size=st.integers(1, 4), max_tokens=st.integers(1, 9))
def test_the_score_is_the_mean_log_prob_per_token(
    sentence: int, beam_size: int, max_tokens: int
) -> None:
    model = PrefixModel(9)
    (hypotheses,) = search(model, [sentence], [max_tokens], beam_size=beam_size, n_best=beam_size)
    for hypothesis in hypotheses:
        paid = (*hypothesis.tokens, END) if hypothesis.is_finished else hypothesis.tokens
        steps = [
            model.log_probs((sentence, START, *paid[:n]))[symbol] for n, symbol in enumerate(paid)
        ]
        assert hypothesis.log_prob == pytest.approx(sum(map(float, steps)), rel=1e-5)
        assert hypothesis.score == pytest.approx(np.mean(steps, dtype=np.float64), rel=1e-5)
        assert hypothesis.n_tokens == len(paid) <= max_tokens


def test_greedy_is_a_beam_of_one() -> None:
    model = PrefixModel(12, end_boost=1.0)
    sentences = list(range(20))
    max_tokens = np.arange(1, 21)

    greedy = greedy_search(model.step, model.start(sentences), VOCABULARY, max_tokens)

    one = SearchOptions(beam_size=1)
    assert [[best] for best in greedy] == search(model, sentences, max_tokens.tolist(), beam_size=1)
    for sentence, limit, best in zip(sentences, max_tokens.tolist(), greedy, strict=True):
        assert [best] == slow_beam_search(model, sentence, limit, one)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_banned_symbols_and_the_start_symbol_never_come_out(beam_size: int) -> None:
    class Stubborn(PrefixModel):
        def log_probs(self, prefix: tuple[int, ...]) -> FloatArray:
            log_probs = super().log_probs(prefix) - 50
            log_probs[[START, BANNED]] = -0.1
            return log_probs

    for hypotheses in search(Stubborn(8), [1, 2, 3], [6, 6, 6], beam_size=beam_size):
        for hypothesis in hypotheses:
            assert not {START, END, BANNED} & set(hypothesis.tokens)


def test_a_start_symbol_that_is_also_the_end_symbol_may_end() -> None:
    model = PrefixModel(6, end_boost=9.0)
    vocabulary = SearchVocabulary(END, END, (BANNED,))
    limits, options = np.array([5]), SearchOptions(beam_size=2)
    (hypotheses,) = beam_search(model.step, model.start([0]), vocabulary, limits, options)
    assert hypotheses[0].is_finished


def test_the_first_step_has_one_row_per_sentence_and_later_ones_a_beam() -> None:
    model = PrefixModel(30, end_boost=-99.0)
    state = model.start([0, 1, 2])
    beam_search(model.step, state, VOCABULARY, np.array([3, 3, 3]), SearchOptions(beam_size=4))
    assert state.calls.steps == [(3, 1), (3, 4), (3, 4)]


@pytest.mark.parametrize(("beam_size", "width"), [(1, 1), (4, 4)])
def test_finished_sentences_leave_the_batch(beam_size: int, width: int) -> None:
    model = PrefixModel(30, end_boost=-99.0)
    state = model.start([0, 1, 2, 3])
    limits = np.array([1, 4, 2, 4])

    beam_search(model.step, state, VOCABULARY, limits, SearchOptions(beam_size=beam_size))

    assert state.calls.steps == [(4, 1), (3, width), (2, width), (2, width)]
    assert all(rows.shape[1] == width for rows in state.calls.selects)
    if beam_size > 1:
        assert len(state.calls.selects) == 3  # once a step, and not after the last one


def test_greedy_selects_only_when_a_sentence_finishes() -> None:
    model = PrefixModel(30, end_boost=-99.0)
    state = model.start([0, 1, 2, 3])
    greedy_search(model.step, state, VOCABULARY, np.array([5, 3, 5, 5]))
    assert [rows.tolist() for rows in state.calls.selects] == [[[0], [2], [3]]]


class TableModel:
    """The same log-probabilities after every prefix, so that all hypotheses tie in the end."""

    def __init__(self, log_probs: list[float]) -> None:
        self.row = np.array(log_probs, np.float32)

    def step(self, last: IntArray, state: PrefixState) -> tuple[FloatArray, PrefixState]:
        state.calls.steps.append(last.shape)
        return np.broadcast_to(self.row, (*last.shape, len(self.row))), state


def test_select_is_skipped_where_every_beam_goes_on_by_itself() -> None:
    """Only the beams' own order can be continued: token 3 after beam 0, token 4 after beam 1."""

    class Parallel(TableModel):
        def step(self, last: IntArray, state: PrefixState) -> tuple[FloatArray, PrefixState]:
            table = np.full((6, 6), -40, np.float32)
            table[START, [3, 4]] = -1.0, -1.5
            table[3, 3] = table[4, 4] = -1.0
            return table[last], state

    state = PrefixState(((0,),))
    (best, second), *_ = beam_search(
        Parallel([]).step, state, VOCABULARY, np.array([4]), SearchOptions(beam_size=2, n_best=2)
    )
    assert (best.tokens, second.tokens) == ((3, 3, 3, 3), (4, 4, 4, 4))
    assert [rows.tolist() for rows in state.calls.selects] == [[[0, 0]]]


@pytest.mark.parametrize("beam_size", [1, 2, 3])
def test_equal_candidates_rank_by_parent_then_by_id(beam_size: int) -> None:
    model = TableModel([-9, -9, -9, -2, -1, -1, -2, -1])
    options = SearchOptions(beam_size, n_best=beam_size)
    (found,) = beam_search(model.step, PrefixState(((0,),)), VOCABULARY, np.array([2]), options)
    assert [h.tokens for h in found] == [(4, 4), (4, 5), (4, 7)][:beam_size]


def test_only_ends_among_the_first_beam_size_candidates_finish() -> None:
    """With a beam of 2, an end in third place is lost, and one in second place is kept."""
    third = TableModel([-9, -3, -9, -1, -2])
    second = TableModel([-9, -2, -9, -1, -3])
    options = SearchOptions(beam_size=2, n_best=2)
    for model, finished in ((third, [False, False]), (second, [False, True])):
        (found,) = beam_search(model.step, PrefixState(((0,),)), VOCABULARY, np.array([1]), options)
        assert [h.is_finished for h in found] == finished


def test_a_sentence_stops_with_beam_size_finished_hypotheses() -> None:
    state = PrefixState(((0,),))
    model = TableModel([-9, -0.1, -9, -1, -2])
    (found,) = beam_search(
        model.step, state, VOCABULARY, np.array([50]), SearchOptions(beam_size=2, n_best=2)
    )
    assert [h.tokens for h in found] == [(), (3,)]
    assert state.calls.steps == [(1, 1), (1, 2)]


def test_a_sentence_without_live_prefixes_stops() -> None:
    """Everything but the end symbol is banned: one empty answer, and no second step."""
    state = PrefixState(((0,),))
    vocabulary = SearchVocabulary(START, END, (2, 3))
    model = TableModel([-1, -1, -1, -1])
    options = SearchOptions(beam_size=2, n_best=2)
    (found,) = beam_search(model.step, state, vocabulary, np.array([9]), options)
    assert found == [Hypothesis((), -1.0, -1.0, is_finished=True)]
    assert state.calls.steps == [(1, 1)]


def test_the_models_log_probs_are_left_as_they_were() -> None:
    table = np.full((1, 1, 6), -1.0, np.float32)
    table.flags.writeable = False

    def step(last: IntArray, state: PrefixState) -> tuple[FloatArray, PrefixState]:
        return np.broadcast_to(table, (*last.shape, 6)), state

    beam_search(step, PrefixState(((0,),)), VOCABULARY, np.array([2]), SearchOptions(beam_size=2))


def test_a_large_vocabulary_gives_what_sorting_gives() -> None:
    log_probs = np.round(np.random.default_rng(0).standard_normal(10_000), 2).astype(np.float32)
    log_probs[[START, END, BANNED]] = -99
    model = TableModel(log_probs.tolist())
    options = SearchOptions(beam_size=8, n_best=8)
    (found,) = beam_search(model.step, PrefixState(((0,),)), VOCABULARY, np.array([1]), options)
    expected = np.argsort(-log_probs, kind="stable")[:8]
    assert [h.tokens for h in found] == [(token,) for token in expected.tolist()]


@pytest.mark.parametrize("beam_size", [1, 4])
def test_no_sentences_give_no_answers_and_no_steps(beam_size: int) -> None:
    state = PrefixState(())
    limits = np.zeros(0, np.int64)
    options = SearchOptions(beam_size)
    assert beam_search(PrefixModel(5).step, state, VOCABULARY, limits, options) == []
    assert state.calls.steps == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"beam_size": 0}, "beam_size is 0", id="no beam"),
        pytest.param({"beam_size": -2}, "beam_size is -2", id="negative beam"),
        pytest.param({"beam_size": 2, "n_best": 3}, r"1\.\.beam_size=2", id="more than the beam"),
        pytest.param({"n_best": 0}, "n_best is 0", id="no answers"),
        pytest.param({"length_penalty": -0.5}, "length_penalty is -0.5", id="negative penalty"),
        pytest.param({"length_penalty": 1000}, "length_penalty is 1000", id="huge penalty"),
        pytest.param({"length_penalty": float("nan")}, "length_penalty is nan", id="nan penalty"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SearchOptions(**options)


def test_a_vocabulary_that_bans_its_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="end_id 1 is in banned_ids"):
        SearchVocabulary(START, END, (END,))
