"""The translators of every comparison, ids in and ids out: ours, and CTranslate2 with the same weights.

With `return_end_token` CTranslate2's hypotheses count the end symbol, so that a length penalty of 1 ranks by
the mean log-probability per token, as ours does. A `min_decoding_length` of 0 permits empty answers, as ours
does. With a patience of 1 a search ends with `beam_size` finished hypotheses. Two things differ: one
`max_decoding_length` holds for a whole batch, and suppressed symbols leave the softmax, where ours keep their
(tiny) share.

Source: CTranslate2 4.8.5, documentation of `Translator.translate_batch` and src/decoding.cc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import ctranslate2

from benchmarks.tools.timing import Budget, Comparison, compare
from seqserve.bundle import load_bundle
from seqserve.decode.search import Hypothesis, SearchOptions, max_target_tokens
from seqserve.manifest import Precision
from seqserve.runtime.openers import open_translator
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.subwords import SPECIALS

OURS, PEER = "seqserve", "CTranslate2"

BatchType = Literal["examples", "tokens"]
Ids = Sequence[int]
Batch = tuple[tuple[int, ...], ...]
"""Source ids of each text."""


class Ours:
    """A translator bundle of ours, opened with a number of threads."""

    def __init__(self, bundle: Path, n_workers: int = 1) -> None:
        self._search = open_translator(load_bundle(bundle), n_workers).search

    def search(self, sources: Sequence[Ids], beam_size: int) -> list[Hypothesis]:
        """Return the best hypothesis of each source.

        Args:
            sources: Ids, the end symbol included.
            beam_size: 1 is greedy search.
        """
        limit, options = most_tokens(sources), SearchOptions(beam_size)
        sentences = [SearchRequest(ids, limit, options) for ids in sources]
        self._search(sentences)
        return [sentence.best[0] for sentence in sentences]


def most_tokens(batch: Sequence[Sequence[object]]) -> int:
    """Return the most target tokens of every source of a batch: the runtime's limit for the longest.

    CTranslate2 takes one number per call.
    """
    return max_target_tokens(max(map(len, batch)))


def tokens_of(hypothesis: Hypothesis) -> tuple[int, ...]:
    """Return the tokens, the end symbol included where it was reached."""
    return (*hypothesis.tokens, SPECIALS.end) if hypothesis.is_finished else hypothesis.tokens


@dataclass(frozen=True)
class PeerSettings:
    """Settings of CTranslate2.

    Args:
        compute_type: Precision of its arithmetic.
        intra_threads: Threads of one translation.
        inter_threads: Translations at once.
        max_batch_size: Larger calls are sorted by length and cut; 0: never.
        batch_type: Unit of `max_batch_size`.
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
        """Return the settings on one thread for what is not about the best time."""
        return cls("int8" if precision == "int8" else "float32")

    def in_words(self) -> str:
        """Format them for a table cell."""
        cut = f"{self.max_batch_size} {self.batch_type}" if self.max_batch_size else "whole batches"
        variables = "".join(f", {key}={value}" for key, value in sorted(self.environment.items()))
        threads = f"{self.inter_threads} x {self.intra_threads} threads"
        return f"{self.compute_type}, {threads}, {cut}{variables}"


class Peer:
    """A CTranslate2 model whose symbols are our ids, in digits.

    `settings.environment` must have been set before the process began.
    """

    def __init__(self, model: Path, settings: PeerSettings) -> None:
        self._settings = settings
        self._translator = ctranslate2.Translator(
            str(model),
            compute_type=settings.compute_type,
            intra_threads=settings.intra_threads,
            inter_threads=settings.inter_threads,
        )

    def search(self, sources: Sequence[list[str]], beam_size: int) -> list[list[str]]:
        """Return the best target symbols of each source, the end symbol included where it was reached.

        Args:
            sources: Symbols, the end symbol included.
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
            max_decoding_length=most_tokens(sources),
            min_decoding_length=0,
        )
        return [result.hypotheses[0] for result in found]


@dataclass(frozen=True)
class Timed:
    """Times of both sides for the same batches.

    Args:
        comparison: Times by side.
        n_tokens: Target tokens by side, of all batches once, end symbols included.
        same_share: Share of the texts for which both sides return the same tokens; None if not recorded.
    """

    comparison: Comparison
    n_tokens: dict[str, int]
    same_share: float | None = None


def time_both(
    ours: Ours, peer: Peer, batches: Sequence[Batch], beam_size: int, budget: Budget
) -> Timed:
    """Time both sides; each gets the ids in its own form beforehand.

    Args:
        ours: Our side.
        peer: The other side.
        batches: Sources.
        beam_size: 1 is greedy search.
        budget: How long.
    """
    symbols = list(map(symbols_of, batches))
    our_answers: dict[int, list[Hypothesis]] = {}
    peer_answers: dict[int, list[list[str]]] = {}

    def by_us(i: int) -> None:
        our_answers[i] = ours.search(batches[i], beam_size)

    def by_peer(i: int) -> None:
        peer_answers[i] = peer.search(symbols[i], beam_size)

    found = compare({OURS: by_us, PEER: by_peer}, range(len(batches)), budget)
    pairs = [
        (tokens_of(hypothesis), tuple(map(int, answer)))
        for i in range(len(batches))
        for hypothesis, answer in zip(our_answers[i], peer_answers[i], strict=True)
    ]
    n_tokens = {OURS: sum(len(a) for a, _ in pairs), PEER: sum(len(b) for _, b in pairs)}
    return Timed(found, n_tokens, sum(a == b for a, b in pairs) / len(pairs))


def symbols_of(sources: Sequence[Ids]) -> list[list[str]]:
    """Format ids as CTranslate2 takes them."""
    return [list(map(str, source)) for source in sources]


def compute_types(precision: Precision) -> list[str]:
    """List the types of arithmetic of this machine for int8 or fp32 weights, int8's own first."""
    kind = "int8" if precision == "int8" else "float32"
    available: set[str] = ctranslate2.get_supported_compute_types("cpu")
    return sorted(name for name in available if name.startswith(kind))
