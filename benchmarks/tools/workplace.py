"""Where things are, and how much is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.tools.timing import Effort
from seqserve.bundle import Bundle, load_bundle
from seqserve.errors import BundleError
from seqserve.tasks import Task

TASKS: tuple[Task, ...] = ("ner", "sentiment", "translation")


@dataclass(frozen=True)
class Workplace:
    """Where things are.

    Args:
        bundles: Folder of bundles.
        data: Folder of data sets.
        scratch: Folder for converted models.
        seed: Of samples and orders.
    """

    bundles: Path
    data: Path
    scratch: Path
    seed: int = 0

    def bundle(self, task: Task) -> Bundle:
        """Load the first bundle of a task, by name.

        Raises:
            BundleError: There is none.
        """
        for path in sorted(self.bundles.glob("*/manifest.json")):
            bundle = load_bundle(path.parent.resolve())
            if bundle.manifest.task == task:
                return bundle
        raise BundleError(f"{self.bundles} holds no bundle for {task}: export one first")


PEER_ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {},
    {"CT2_FORCE_CPU_ISA": "AVX512"},
    {"CT2_FORCE_CPU_ISA": "AVX2"},
    {"CT2_USE_MKL": "1"},
    {"CT2_USE_MKL": "1", "CT2_USE_EXPERIMENTAL_PACKED_GEMM": "1"},
)
"""What CTranslate2 can be told before it is loaded; what it does of itself comes first."""


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Args:
        name: What it is called.
        batches: Batch sizes.
        beams: Beam sizes; 1 is greedy search.
        is_fp32_timed: Are translators timed in fp32 too, if the bundle is int8?
        batch_texts: Fewest texts that a cell is timed on; a batch size has at least 3 batches.
        effort: Of a cell.
        environments: Of CTranslate2, to try.
        tuning_texts: Texts that CTranslate2's settings are tried on.
        tuning_effort: Of one trial.
        agreement_texts: Texts whose tokens are compared.
        invariance_texts: Texts that are answered alone and in batches, per task.
        memory_texts: Texts that are translated before memory is read.
        loads: Fresh processes that load a model; the fastest counts.
        growth_lengths: Source lengths in tokens.
        growth_batches: Batch sizes of the growth plot.
        growth_effort: Of a point of the growth plot.
        larger: Shape of the model that is timed with random weights.
    """

    name: str
    batches: tuple[int, ...]
    beams: tuple[int, ...]
    is_fp32_timed: bool
    batch_texts: int
    effort: Effort
    environments: tuple[dict[str, str], ...]
    tuning_texts: int
    tuning_effort: Effort
    agreement_texts: int
    invariance_texts: int
    memory_texts: int
    loads: int
    growth_lengths: tuple[int, ...]
    growth_batches: tuple[int, ...]
    growth_effort: Effort
    larger: dict[str, int]

    def n_batches(self, batch: int) -> int:
        """How many batches of one size a cell is timed on."""
        return max(3, self.batch_texts // batch)


STUDENT = {
    "vocab_size": 32000,
    "d_model": 384,
    "heads": 8,
    "encoder_layers": 6,
    "decoder_layers": 2,
    "ffn_dim": 1536,
}
FULL = Size(
    name="full",
    batches=(1, 8, 32),
    beams=(1, 4),
    is_fp32_timed=True,
    batch_texts=64,
    effort=Effort(rounds=15, seconds=6.0, min_rounds=3),
    environments=PEER_ENVIRONMENTS,
    tuning_texts=16,
    tuning_effort=Effort(rounds=3, seconds=1.5, min_rounds=1),
    agreement_texts=1000,
    invariance_texts=1000,
    memory_texts=200,
    loads=3,
    growth_lengths=(5, 10, 20, 40, 60, 80, 120, 160, 200),
    growth_batches=(1, 2, 4, 8, 16, 32, 64),
    growth_effort=Effort(rounds=3, seconds=1.0, min_rounds=1),
    larger=STUDENT,
)
QUICK = replace(
    FULL,
    name="quick",
    is_fp32_timed=False,
    batch_texts=32,
    effort=Effort(rounds=5, seconds=2.0, min_rounds=2),
    environments=PEER_ENVIRONMENTS[:1],
    tuning_effort=Effort(rounds=1, seconds=0.0, min_rounds=1),
    agreement_texts=100,
    invariance_texts=100,
    memory_texts=64,
    loads=1,
    growth_lengths=(5, 20, 80, 160),
    growth_batches=(1, 8, 32),
    growth_effort=Effort(rounds=1, seconds=0.0, min_rounds=1),
)
