"""BLEU by sacrebleu, apart from the metrics that need scikit-learn and seqeval."""

from __future__ import annotations

from sacrebleu.metrics.bleu import BLEU


def bleu_metric(target: str) -> BLEU:
    """Return sacrebleu's BLEU with the tokenizer for a target language: "zh" for Chinese, else "13a"."""
    return BLEU(tokenize="zh" if target == "zh" else "13a")
