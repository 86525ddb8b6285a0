"""Evaluate translations: BLEU and chrF by sacrebleu, and the share of copied terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.chrf import CHRF

from seqserve.arrays import IntArray
from seqserve.evaluation.bootstrap import Counts, Formula, Measure, measure, share
from seqserve.evaluation.copying import KINDS, copied
from seqserve.evaluation.examples import shortened
from seqserve.evaluation.lengths import length_buckets
from seqserve.evaluation.report import Example, Findings, Slice
from seqserve.records import TranslationResult
from seqserve.text.words import tokenize
from seqserve.training.bleu import bleu_metric
from seqserve.training.data import SegmentPair

_LENGTHS = (5, 10, 20, 40)  # tokens of the source
_SHORT = 10
_N_EXAMPLES = 15  # of short sources, and as many of long ones


class _Scores:
    """The counts of BLEU and chrF, one row per segment; a slice of a set is a subset of rows."""

    def __init__(self, translations: list[str], references: list[str], target: str) -> None:
        bleu, chrf = bleu_metric(target), CHRF()
        # Private in sacrebleu: its own bootstrap covers whole sets only, not slices.
        self._parts: dict[str, tuple[Counts, Formula]] = {
            name: (
                np.array(metric._extract_corpus_statistics(translations, [references]), float),
                _formula(metric),
            )
            for name, metric in (("bleu", bleu), ("chrf", chrf))
        }

    def measures(self, rows: IntArray | slice = slice(None)) -> dict[str, Measure]:
        return {
            name: measure(counts[rows], formula) for name, (counts, formula) in self._parts.items()
        }

    def sentence_chrf(self) -> Counts:
        counts, formula = self._parts["chrf"]
        return formula(counts)


def _formula(metric: Any) -> Formula:
    score: Callable[[list[float]], Any] = metric._compute_score_from_stats
    return lambda sums: np.array([score(row).score for row in sums.tolist()])


def translation_findings(
    pairs: Sequence[SegmentPair], results: Sequence[TranslationResult], target: str
) -> Findings:
    """Measure the translations of a set.

    Args:
        pairs: Sources and references.
        results: The answers, one per pair.
        target: Language of the references.
    """
    translations = [result.text for result in results]
    scores = _Scores(translations, [pair.target for pair in pairs], target)
    lengths = [len(tokenize(pair.source)) for pair in pairs]
    slices = [
        Slice("source tokens", name, len(rows), scores.measures(rows))
        for name, rows in length_buckets(lengths, _LENGTHS)
    ]
    return Findings(
        scores.measures(),
        (*slices, *_copy_slices(pairs, translations), *_output_slices(pairs, results)),
        examples=_examples(pairs, translations, lengths, scores.sentence_chrf()),
    )


def _copy_slices(pairs: Sequence[SegmentPair], translations: Sequence[str]) -> list[Slice]:
    """Return the share of copied terms by kind; `n` counts the terms to copy."""
    slices = []
    for kind in KINDS:
        counts = np.array(
            [
                copied(kind, pair.source, pair.target, translation)
                for pair, translation in zip(pairs, translations, strict=True)
            ],
            dtype=np.float64,
        )
        n_wanted = int(counts[:, 1].sum())
        if n_wanted:
            slices.append(Slice("copied", kind, n_wanted, {"share": measure(counts, share)}))
    return slices


def _output_slices(
    pairs: Sequence[SegmentPair], results: Sequence[TranslationResult]
) -> list[Slice]:
    """Return the length ratio to references, and the rate of warnings; `n` counts pairs."""
    n_pairs = len(pairs)
    lengths = np.array(
        [(len(r.text), len(p.target)) for p, r in zip(pairs, results, strict=True)], np.float64
    )
    slices = [Slice("length", "of references", n_pairs, {"ratio": measure(lengths, share)})]
    names = sorted({name for result in results for name in result.warnings})
    for name in ("any", *names):
        warned = [bool(r.warnings) if name == "any" else name in r.warnings for r in results]
        counts = np.stack([warned, np.ones(n_pairs)], axis=1).astype(np.float64)
        slices.append(Slice("warning", name, n_pairs, {"share": measure(counts, share)}))
    return slices


def _examples(
    pairs: Sequence[SegmentPair],
    translations: Sequence[str],
    lengths: Sequence[int],
    scores: Counts,
) -> tuple[Example, ...]:
    """Return the worst translations by sentence chrF, of short and of longer sources."""
    worst = np.argsort(scores, kind="stable").tolist()
    short = [i for i in worst if lengths[i] < _SHORT][:_N_EXAMPLES]
    long = [i for i in worst if lengths[i] >= _SHORT][:_N_EXAMPLES]
    return tuple(
        Example(
            f"lowest chrF, {kind}",
            shortened(pairs[i].source),
            {
                "reference": shortened(pairs[i].target),
                "answered": f"{shortened(translations[i])} (chrF {scores[i]:.0f})",
            },
        )
        for kind, chosen in (
            (f"sources of {_SHORT} tokens and more", long),
            (f"sources under {_SHORT} tokens", short),
        )
        for i in chosen
    )
