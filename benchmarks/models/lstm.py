"""The tagger and the classifier beside torch.

`torch.compile` is not compared: it does not trace `nn.LSTM` and leaves it to eager mode.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.models.size import Size
from benchmarks.models.texts import Lengths, batches_of, dev_texts
from benchmarks.models.translators import OURS
from benchmarks.tools.tasks import NER, SENTIMENT
from benchmarks.tools.timing import Comparison, Ratio, compare
from benchmarks.tools.workspace import Report, Workspace
from model_export.sources.restore import restore_classifier, restore_tagger
from seqserve.arrays import IntArray
from seqserve.bundle import Bundle
from seqserve.runtime.session import open_graph, run
from seqserve.tasks import Task
from seqserve.text.batching import pad
from seqserve.text.classification import WordTextEncoder
from seqserve.text.tagging import WordTokenEncoder

EAGER = "torch"

Arrays = tuple[IntArray, ...]
"""Word ids (B, T), of the tagger character ids (B, T, C), and lengths (B,)."""


@dataclass(frozen=True)
class Batch:
    """One batch in the form of each side."""

    arrays: Arrays
    tensors: tuple[Tensor, ...]

    @classmethod
    def of(cls, arrays: Arrays) -> Batch:
        """Share the same numbers with torch."""
        return cls(arrays, tuple(map(torch.from_numpy, arrays)))


@dataclass(frozen=True)
class LstmCell:
    """Times of all sides for one task and batch size, by CPU time on one thread."""

    task: Task
    batch: int
    lengths: Lengths
    comparison: Comparison

    @property
    def best_torch(self) -> str:
        """Return the fastest torch variant, eager mode included."""
        sides = self.comparison.sides
        return min((s for s in sides if s != OURS), key=lambda s: sides[s].cpu.best_ms)

    def ratio(self, other: str) -> Ratio:
        """Return how many times faster ours is."""
        return self.comparison.ratio(other, OURS, "cpu")


def measure_lstm(space: Workspace, size: Size, report: Report) -> tuple[LstmCell, ...]:
    """Compare both models with torch."""
    torch.set_num_threads(1)
    cells = []
    n_texts = max(batch * size.n_batches(batch) for batch in size.batches)
    for task in (NER, SENTIMENT):
        bundle = space.bundle(task)
        texts = dev_texts(bundle, space.data, n_texts, space.seed)
        model = restore_tagger(bundle) if task == NER else restore_classifier(bundle)
        sides = {OURS: our_side(bundle), **torch_sides(model)}
        rows, stack = rows_of(bundle, texts)
        for batch_size in size.batches:
            cut = batches_of(rows, batch_size)[: size.n_batches(batch_size)]
            batches = [Batch.of(stack(batch)) for batch in cut]
            found = compare(sides, batches, size.budget, space.seed)
            lengths = [int(n) for batch in batches for n in batch.arrays[-1]]
            cells.append(LstmCell(task, batch_size, Lengths.of(lengths), found))
            report(f"{task} batch {batch_size}: {cells[-1].ratio(EAGER)} to eager")
    return tuple(cells)


def our_side(bundle: Bundle) -> Callable[[Batch], object]:
    """Return a call of the graph of a bundle; the tagger's contains the CRF."""
    is_tagger = bundle.manifest.task == NER
    session = open_graph(bundle, "tagger.onnx" if is_tagger else "classifier.onnx")
    names = ("word_ids", "char_ids", "lengths") if is_tagger else ("word_ids", "lengths")
    return lambda batch: run(session, dict(zip(names, batch.arrays, strict=True)))


def rows_of(
    bundle: Bundle, texts: Sequence[str]
) -> tuple[list[Any], Callable[[Sequence[Any]], Arrays]]:
    """Return a row per sentence (tagger) or text (classifier), and a function that stacks rows."""
    if bundle.manifest.task == NER:
        tagger = WordTokenEncoder.from_mapping(bundle.config["text"], str(bundle.path))
        found = [row.tokens for text in texts for row in tagger.rows(text)]
        return found, tagger.batch
    classifier = WordTextEncoder.from_mapping(bundle.config["text"], str(bundle.path))
    return list(map(classifier.ids, texts)), pad


def torch_sides(model: nn.Module) -> dict[str, Callable[[Batch], object]]:
    """Return eager mode, dynamic int8 and, where the CPU has it, bfloat16; the tagger without its CRF."""

    def eager(batch: Batch) -> object:
        with torch.inference_mode():
            return model(*batch.tensors)

    def bf16(batch: Batch) -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return model(*batch.tensors)

    small = _int8(model)

    def int8(batch: Batch) -> object:
        with torch.inference_mode():
            return small(*batch.tensors)

    sides: dict[str, Callable[[Batch], object]] = {EAGER: eager, "torch int8": int8}
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():  # torch has no bfloat16 LSTM without AVX-512
        sides["torch bf16"] = bf16
    return sides


def _int8(model: nn.Module) -> nn.Module:
    from torch.ao.quantization import quantize_dynamic

    quantize: Callable[..., nn.Module] = quantize_dynamic
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, but still in use
        return quantize(copy.deepcopy(model), {nn.LSTM, nn.Linear}, dtype=torch.qint8)
