"""Translations compared with references: sacrebleu's scores, and the other metrics of a set."""

from __future__ import annotations

import random

import pytest
from sacrebleu.metrics.bleu import BLEU

from seqserve.evaluation.report import Findings, Slice
from seqserve.evaluation.translation import translation_findings
from seqserve.records import TranslationResult
from seqserve.training.data import SegmentPair
from seqserve.training.metrics import translation_scores


def findings(
    rows: list[tuple[str, str, str]], target: str = "zh", warnings: tuple[str, ...] = ()
) -> Findings:
    """Return rows of source, reference and translation; the first translation has the warnings."""
    return translation_findings(
        [SegmentPair(source, reference) for source, reference, _ in rows],
        [
            TranslationResult(text, -0.1, warnings if i == 0 else (), n_tokens=3)
            for i, (_, _, text) in enumerate(rows)
        ],
        target,
    )


def parts(found: Findings, kind: str) -> dict[str, Slice]:
    return {part.name: part for part in found.slices if part.kind == kind}


ZH = [
    ("Return the name of the file.", "返回文件的名称。", "返回文件的名字。"),
    ("Delete the list.", "删除列表。", "删除列表。"),
    ("Read a number of lines from the file that is open.", "从打开的文件中读取若干行。", "读取行的数字。"),
]  # fmt: skip
DE = [
    ("A dog runs.", "Ein Hund rennt schnell.", "Ein Hund läuft schnell."),
    ("Two men sit on a bench.", "Zwei Männer sitzen auf einer Bank.", "Zwei Männer sitzen auf einer Bank."),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "target"), [(ZH, "zh"), (DE, "de")], ids=["zh", "de"])
def test_metrics_are_those_of_sacrebleu(rows: list[tuple[str, str, str]], target: str) -> None:
    expected = translation_scores([row[1] for row in rows], [row[2] for row in rows], target)
    found = findings(rows, target).measures
    assert {name: m.value for name, m in found.items()} == pytest.approx(expected, abs=1e-5)
    assert all(m.low < m.value < m.high for m in found.values())


TOKENIZERS = {
    "zh": (ZH, "zh", "13a"),
    "13a": ([*DE, ("The 10% rule holds.", "Die 10%-Regel gilt.", "Die 10% -Regel gilt.")], "de", "intl"),
}  # fmt: skip


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_bleu_is_that_of_the_tokenizer_that_the_field_uses(tokenizer: str) -> None:
    rows, target, other = TOKENIZERS[tokenizer]
    sides = [row[2] for row in rows], [[row[1] for row in rows]]
    expected, of_other = (
        BLEU(tokenize=name).corpus_score(*sides).score for name in (tokenizer, other)
    )
    assert findings(rows, target).measures["bleu"].value == pytest.approx(expected, abs=1e-5)
    assert abs(expected - of_other) > 0.1


def test_interval_shrinks_with_the_set() -> None:
    rng = random.Random(1)
    rows = [rng.choice(ZH) for _ in range(40)]
    small, large = (findings(some).measures["bleu"] for some in (rows, rows * 4))
    assert large.value == pytest.approx(small.value, abs=1e-4)
    assert large.high - large.low == pytest.approx((small.high - small.low) / 2, rel=0.25)


def test_parts_by_length_are_scored_alone() -> None:
    lengths = parts(findings(ZH), "source tokens")
    assert {name: part.n for name, part in lengths.items()} == {"1-5": 1, "6-10": 1, "11-20": 1}
    assert lengths["1-5"].measures["bleu"].value == pytest.approx(100)
    alone = findings(ZH[:1]).measures
    assert lengths["6-10"].measures["chrf"] == alone["chrf"]


def test_copies_are_counted_over_the_set() -> None:
    rows = [
        ("Set max_len to 3.", "将 max_len 设为 3。", "将 max_len 设为 3。"),
        ("Set 5 or 7 in os.path", "在 os.path 中设 5 或 7", "在 os.path 中设 5"),
        ("Nothing to copy", "无", "无"),
    ]
    found = parts(findings(rows), "copied")
    assert {name: (p.n, p.measures["share"].value) for name, p in found.items()} == {
        "numbers": (3, pytest.approx(2 / 3, abs=1e-6)),
        "identifiers": (2, 1.0),
    }


def test_length_and_warnings() -> None:
    found = findings(ZH, warnings=("truncated", "repetition"))
    lengths = [sum(len(row[i]) for row in ZH) for i in (1, 2)]
    ratio = parts(found, "length")["of references"].measures["ratio"]
    assert ratio.value == pytest.approx(lengths[1] / lengths[0], abs=1e-6)
    warned = parts(found, "warning")
    assert warned.keys() == {"any", "repetition", "truncated"}
    assert all(p.n == 3 and p.measures["share"].value == 0.333333 for p in warned.values())
    assert parts(findings(ZH), "warning")["any"].measures["share"].value == 0


def test_worst_translations_are_shown_short_sources_apart() -> None:
    found = findings([*ZH, ("Close it.", "关闭它。", "打开。")]).examples
    assert [(example.kind, example.text) for example in found] == [
        ("lowest chrF, sources of 10 tokens and more", ZH[2][0]),
        ("lowest chrF, sources under 10 tokens", "Close it."),
        ("lowest chrF, sources under 10 tokens", ZH[0][0]),
        ("lowest chrF, sources under 10 tokens", ZH[1][0]),
    ]
    assert found[-1].said == {"reference": "删除列表。", "answered": "删除列表。 (chrF 100)"}
    assert len(findings(ZH * 20).examples) == 30
