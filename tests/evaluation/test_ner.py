"""Predicted entities compared with gold: every kind of error, and totals equal to seqeval's."""

from __future__ import annotations

import random

import pytest

from seqserve.evaluation.ner import judge, kind_of, known_names, ner_findings
from seqserve.evaluation.report import Findings, Slice
from seqserve.records import Entity, NerResult
from seqserve.text.tags import Span, spans_of, tags_of
from seqserve.training.data import TaggedSentence
from seqserve.training.metrics import entity_scores

TEXT = "Anna Smith saw New York"
GOLD = ("B-PER", "I-PER", "O", "B-LOC", "I-LOC")


def sentence(text: str, *tags: str) -> TaggedSentence:
    return TaggedSentence(tuple(text.split()), tags)


def answer(text: str, *named: tuple[str, str], score: float = 0.9) -> NerResult:
    entities = []
    for name, label in named:
        start = text.index(name)
        entities.append(Entity(name, label, start, start + len(name), score))
    return NerResult(tuple(entities), len(text.split()))


def parts(findings: Findings, kind: str) -> dict[str, Slice]:
    return {part.name: part for part in findings.slices if part.kind == kind}


# answer to TEXT -> kinds in the order of gold, then spurious entities
KINDS: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "all right": ([("Anna Smith", "PER"), ("New York", "LOC")], ["right", "right"]),
    "nothing": ([], ["missed", "missed"]),
    "label": ([("Anna Smith", "ORG"), ("New York", "LOC")], ["label wrong", "right"]),
    "boundary": ([("Anna", "PER"), ("saw New York", "LOC")], ["boundary wrong"] * 2),
    "both": ([("Smith", "ORG"), ("New York", "LOC")], ["label and boundary wrong", "right"]),
    "made up": (
        [("Anna Smith", "PER"), ("saw", "ORG"), ("New York", "LOC")],
        ["right", "right", "spurious"],
    ),
    "beside, not over": ([("saw", "PER")], ["missed", "missed", "spurious"]),
    "one in two": (
        [("Anna", "PER"), ("Smith", "LOC"), ("New York", "LOC")],
        ["boundary wrong", "right", "spurious"],
    ),
    "two in one": ([("Anna Smith saw New York", "PER")], ["boundary wrong", "label and boundary wrong"]),
}  # fmt: skip


@pytest.mark.parametrize(("named", "kinds"), KINDS.values(), ids=KINDS)
def test_every_kind_of_error(named: list[tuple[str, str]], kinds: list[str]) -> None:
    judged = judge(sentence(TEXT, *GOLD), answer(TEXT, *named))
    assert [kind_of(*pair) for pair in judged.pairs()] == kinds


def test_the_exact_span_is_preferred_to_a_longer_overlap_and_that_to_a_label() -> None:
    judged = judge(sentence("Bank of New York", "B-ORG", "I-ORG", "I-ORG", "I-ORG"), answer(
        "Bank of New York", ("Bank", "ORG"), ("New York", "LOC")))  # fmt: skip
    assert judged.pairs() == [
        (Span(0, 4, "ORG"), Span(2, 4, "LOC")),
        (None, Span(0, 1, "ORG")),
    ]


def test_an_entity_that_cuts_a_token_gets_all_of_it() -> None:
    judged = judge(sentence(TEXT, *GOLD), answer(TEXT, ("ew Yo", "LOC")))
    assert list(judged.found) == [Span(3, 5, "LOC")]


def test_tables_count_every_pair_once() -> None:
    named = [("Anna", "PER"), ("Smith", "ORG"), ("New York", "ORG")]
    became, fared = ner_findings([sentence(TEXT, *GOLD)], [answer(TEXT, *named)]).tables
    assert became.columns == ("LOC", "ORG", "PER", "missed")
    assert became.rows == {
        "LOC": (0, 1, 0, 0),
        "ORG": (0, 0, 0, 0),
        "PER": (0, 0, 1, 0),
        "spurious": (0, 1, 0, 0),
    }
    assert fared.columns[1:3] == ("label wrong", "boundary wrong")
    assert fared.rows == {
        "LOC": (0, 1, 0, 0, 0, 0),
        "ORG": (0, 0, 0, 0, 0, 1),
        "PER": (0, 0, 1, 0, 0, 0),
    }


def test_labels_that_the_set_does_not_annotate_do_not_count_on_either_side() -> None:
    gold = sentence("Anna is Swiss today", "B-PER", "O", "B-MISC", "O")
    answers = answer("Anna is Swiss today", ("Anna", "PER"), ("today", "MISC"))
    everything = ner_findings([gold], [answers])
    assert everything.measures["f1"].value == 0.5
    masked = ner_findings([gold], [answers], labels=("PER", "LOC"))
    assert masked.measures["f1"].value == 1
    assert parts(masked, "label").keys() == {"PER"}
    assert masked.examples == () and masked.calibration and masked.calibration.bins[0].n == 1


def test_parts_by_label_length_and_name() -> None:
    long = "Oslo " + "is far " * 7
    texts = [sentence(TEXT, *GOLD), sentence(long, "B-LOC", *["O"] * 14)]
    answers = [answer(TEXT, ("Anna Smith", "PER")), answer(long, ("Oslo", "LOC"), ("is", "PER"))]
    findings = ner_findings(texts, answers, seen={"Oslo", "New York"})
    labels = parts(findings, "label")
    assert (labels["LOC"].n, labels["PER"].n) == (2, 1)
    assert labels["LOC"].measures["recall"].value == 0.5
    assert labels["LOC"].measures["precision"].value == 1
    assert labels["PER"].measures["precision"].value == 0.5
    lengths = parts(findings, "tokens")
    assert {name: part.n for name, part in lengths.items()} == {"1-10": 1, "11-20": 1}
    assert lengths["1-10"].measures["recall"].value == 0.5
    assert lengths["11-20"].measures["recall"].value == 1
    names = parts(findings, "name")
    assert (names["seen in training"].n, names["seen in training"].measures["recall"].value) == (
        2,
        0.5,
    )
    assert (names["new"].n, names["new"].measures["precision"].value) == (1, 0.5)
    assert not parts(ner_findings(texts, answers), "name")


def test_names_that_training_saw() -> None:
    assert known_names([sentence(TEXT, *GOLD)]) == {"Anna Smith", "New York"}


def test_probabilities_are_held_against_exact_entities() -> None:
    answers = answer(TEXT, ("Anna", "PER"), ("New York", "LOC"), score=0.75)
    found = ner_findings([sentence(TEXT, *GOLD)], [answers]).calibration
    assert found and found.of == "entities"
    assert [(b.n, b.confidence, b.accuracy) for b in found.bins] == [(2, 0.75, 0.5)]


def test_examples_show_both_sides_and_a_few_of_every_kind() -> None:
    texts = [sentence(f"Anna {i} Oslo", "B-PER", "O", "B-LOC") for i in range(30)]
    answers = [answer(f"Anna {i} Oslo", ("Oslo", "ORG")) for i in range(30)]
    examples = ner_findings(texts, answers).examples
    assert [example.kind for example in examples] == ["label wrong"] * 8 + ["missed"] * 8
    assert examples[0].said == {"gold": "Oslo (LOC)", "answered": "Oslo (ORG)"}
    assert examples[-1].said == {"gold": "Anna (PER)"}
    assert len({example.text for example in examples[:8]}) == 8


def test_totals_are_those_of_seqeval() -> None:
    rng = random.Random(1)
    texts, answers, gold, predicted = [], [], [], []
    for _ in range(200):
        n_tokens = rng.randint(1, 12)
        tags = random_tags(rng, n_tokens)
        answered = random_tags(rng, n_tokens) if rng.random() < 0.7 else tags
        text = [f"w{i}" for i in range(n_tokens)]
        starts = [sum(len(word) + 1 for word in text[:i]) for i in range(n_tokens + 1)]
        found = [
            Entity("", span.label, starts[span.start], starts[span.end] - 1, 0.5)
            for span in spans_of(answered)
        ]
        texts.append(TaggedSentence(tuple(text), tuple(tags)))
        answers.append(NerResult(tuple(found), n_tokens))
        gold.append(tags)
        predicted.append(answered)
    measures = ner_findings(texts, answers).measures
    expected = entity_scores(gold, predicted)
    assert 0.2 < expected["f1"] < 0.8
    assert {name: m.value for name, m in measures.items()} == pytest.approx(expected, abs=1e-6)
    assert all(m.low < m.value < m.high for m in measures.values())


def random_tags(rng: random.Random, n_tokens: int) -> list[str]:
    spans, at = [], 0
    while at < n_tokens:
        end = min(n_tokens, at + rng.randint(1, 3))
        if rng.random() < 0.5:
            spans.append(Span(at, end, rng.choice(["PER", "LOC"])))
        at = end
    return tags_of(spans, n_tokens)
