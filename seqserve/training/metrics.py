"""Figures of merit, by the libraries that the field quotes: seqeval, sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from seqserve.arrays import IntArray


def entity_scores(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Give micro-averaged entity precision, recall and F1 of BIO2 tag sequences (exact spans)."""
    kinds = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    lists = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    return {
        name: float(score(*lists, mode="strict", scheme=IOB2, zero_division=0))
        for name, score in kinds.items()
    }


def label_scores(gold: IntArray, predicted: IntArray, n_labels: int) -> dict[str, float]:
    """Give accuracy and macro-averaged F1 of label indices, both (N,)."""
    per_label = []
    for label in range(n_labels):
        hits = int(((gold == label) & (predicted == label)).sum())
        seen = int((gold == label).sum() + (predicted == label).sum())
        per_label.append(2 * hits / seen if seen else 0.0)
    return {"accuracy": float((gold == predicted).mean()), "macro_f1": float(np.mean(per_label))}


def translation_scores(
    references: Sequence[str], translations: Sequence[str], target: str
) -> dict[str, float]:
    """Give corpus BLEU (0..100, sacrebleu's tokenizer of the target language) and chrF (0..100)."""
    tokenizer = "zh" if target == "zh" else "13a"
    lists = list(translations), [list(references)]
    return {
        "bleu": float(BLEU(tokenize=tokenizer).corpus_score(*lists).score),
        "chrf": float(CHRF().corpus_score(*lists).score),
    }
