"""How much is measured of the models."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.tools.timing import Budget

ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {},
    {"CT2_FORCE_CPU_ISA": "AVX512"},
    {"CT2_FORCE_CPU_ISA": "AVX2"},
    {"CT2_USE_MKL": "1"},
    {"CT2_USE_MKL": "1", "CT2_USE_EXPERIMENTAL_PACKED_GEMM": "1"},
)
"""Variables that CTranslate2 reads when it is loaded; its own choice comes first."""

_CELL = Budget(rounds=15, seconds=6.0, min_rounds=3)
_TRIAL = Budget(rounds=3, seconds=1.5, min_rounds=1)


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Args:
        name: Its name.
        batches: Batch sizes.
        beams: Beam sizes; 1 is greedy search.
        is_fp32_timed: Whether translators are timed in fp32, too, if the bundle is int8.
        batch_texts: Fewest texts that a cell is timed on; a batch size has at least 3 batches.
        budget: Of a cell.
        environments: Of CTranslate2, to try.
        tuning_texts: Texts that CTranslate2's settings are tried on.
        tuning_budget: Of one trial.
        sample_texts: Texts that are computed alone and in batches.
        memory_texts: Texts that are translated before memory is read.
        loads: Fresh processes that load a model; the fastest counts.
    """

    name: str = "full"
    batches: tuple[int, ...] = (1, 8, 32)
    beams: tuple[int, ...] = (1, 4)
    is_fp32_timed: bool = True
    batch_texts: int = 64
    budget: Budget = _CELL
    environments: tuple[dict[str, str], ...] = ENVIRONMENTS
    tuning_texts: int = 16
    tuning_budget: Budget = _TRIAL
    sample_texts: int = 1000
    memory_texts: int = 200
    loads: int = 3

    def n_batches(self, batch: int) -> int:
        """Return how many batches of one size a cell is timed on."""
        return max(3, self.batch_texts // batch)


FULL = Size()
QUICK = replace(
    FULL,
    name="quick",
    is_fp32_timed=False,
    batch_texts=32,
    environments=ENVIRONMENTS[:1],
    budget=Budget(rounds=5, seconds=2.0, min_rounds=2),
    tuning_budget=Budget(rounds=1, seconds=0.0, min_rounds=1),
    sample_texts=100,
    memory_texts=64,
    loads=1,
)
