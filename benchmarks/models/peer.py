"""CTranslate2 as it is measured: the same search as ours, over its own kinds of settings.

With `return_end_token` its hypotheses count the end symbol, so that a length penalty of 1 ranks by the mean
log-probability per token as ours does; `min_decoding_length` 0 lets an answer be empty, as ours may be; with
a patience of 1 a search ends with `beam_size` finished hypotheses. What differs: one `max_decoding_length`
holds for a whole batch, and suppressed symbols leave the softmax, where ours keep their (tiny) share.

Source: CTranslate2 4.8.5, documentation of `Translator.translate_batch` and src/decoding.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import ctranslate2

from seqserve.manifest import Precision
from seqserve.text.subwords import SPECIALS

BatchType = Literal["examples", "tokens"]


@dataclass(frozen=True)
class PeerSettings:
    """How CTranslate2 runs a model.

    Args:
        compute_type: Precision of its arithmetic.
        intra_threads: Threads of one translation.
        inter_threads: Translations at once.
        max_batch_size: Larger calls are sorted by length and cut; 0: never.
        batch_type: What `max_batch_size` counts.
        environment: Variables that it reads when it is loaded, such as CT2_FORCE_CPU_ISA.
    """

    compute_type: str
    intra_threads: int = 1
    inter_threads: int = 1
    max_batch_size: int = 0
    batch_type: BatchType = "examples"
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def plain(cls, precision: Precision) -> PeerSettings:
        """Give the settings on one thread for what is not about the best time."""
        return cls("int8" if precision == "int8" else "float32")

    def in_words(self) -> str:
        """Give a short text for a table."""
        cut = f"{self.max_batch_size} {self.batch_type}" if self.max_batch_size else "whole batches"
        variables = "".join(f", {key}={value}" for key, value in sorted(self.environment.items()))
        threads = f"{self.inter_threads} x {self.intra_threads} threads"
        return f"{self.compute_type}, {threads}, {cut}{variables}"


class Peer:
    """A CTranslate2 model whose symbols are our ids, in digits."""

    def __init__(self, model: Path, settings: PeerSettings) -> None:
        """Load it; `settings.environment` must have been set before the process began."""
        self._settings = settings
        self._translator = ctranslate2.Translator(
            str(model),
            compute_type=settings.compute_type,
            intra_threads=settings.intra_threads,
            inter_threads=settings.inter_threads,
        )

    def search(
        self, sources: Sequence[list[str]], max_tokens: int, beam_size: int
    ) -> list[list[str]]:
        """Give the best target symbols of each source, the end symbol included where it was reached.

        Args:
            sources: Symbols, the end symbol included.
            max_tokens: Most target symbols of each, the end symbol included.
            beam_size: 1 is greedy search.
        """
        found = self._translator.translate_batch(
            list(sources),
            max_batch_size=self._settings.max_batch_size,
            batch_type=self._settings.batch_type,
            beam_size=beam_size,
            patience=1,
            length_penalty=1,
            return_scores=True,
            disable_unk=True,
            suppress_sequences=[[str(SPECIALS.pad)]],
            return_end_token=True,
            max_input_length=0,
            max_decoding_length=max_tokens,
            min_decoding_length=0,
        )
        return [result.hypotheses[0] for result in found]


def symbols_of(sources: Sequence[Sequence[int]]) -> list[list[str]]:
    """Give ids as CTranslate2 takes them."""
    return [list(map(str, source)) for source in sources]


def compute_types(precision: Precision) -> list[str]:
    """Give the types of arithmetic that this machine has for int8 or fp32 weights, int8's own first."""
    kind = "int8" if precision == "int8" else "float32"
    there: set[str] = ctranslate2.get_supported_compute_types("cpu")
    return sorted(name for name in there if name.startswith(kind))
