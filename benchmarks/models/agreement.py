"""Whether the translators output the tokens of torch in fp32: a comparison of times relies on that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.models.sides import encode, sides_of
from benchmarks.models.size import Size
from benchmarks.models.texts import dev_texts
from benchmarks.models.translators import (
    OURS,
    PEER,
    Ours,
    Peer,
    PeerSettings,
    max_tokens,
    symbols_of,
    tokens_of,
)
from benchmarks.tools.child import run_child
from benchmarks.tools.tasks import TRANSLATION
from benchmarks.tools.workspace import Report, Workspace
from seqserve.decode.search import Hypothesis, SearchOptions
from seqserve.manifest import Precision
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.subwords import SPECIALS

_MAX_ROWS = 64
_TIE = 1e-6  # of a mean log-probability: float32 is no more precise

Tokens = Sequence[int]
"""Target ids, the end symbol included where it was reached."""


@dataclass(frozen=True)
class Agreement:
    """How many texts one side translates as the fp32 torch model does, token for token.

    Args:
        side: Which.
        precision: Of that side.
        beam: Beam size.
        n_texts: Texts.
        n_identical: Identical answers.
        n_tied: Other answers that torch scores the same within `_TIE`: floating point decides which is first.
    """

    side: str
    precision: Precision
    beam: int
    n_texts: int
    n_identical: int
    n_tied: int = 0

    @property
    def share(self) -> float:
        """Return the share of identical and tied answers."""
        return (self.n_identical + self.n_tied) / self.n_texts


def measure_agreement(space: Workspace, size: Size, report: Report) -> tuple[Agreement, ...]:
    """Compare both sides, in each precision, with the reference search on torch."""
    from model_export.checks.torch_reference import torch_search
    from model_export.sources.restore import restore_translator

    bundle = space.bundle(TRANSLATION)
    sources = encode(bundle, dev_texts(bundle, space.data, size.sample_texts, space.seed))
    search, lines = torch_search(restore_translator(bundle), SPECIALS), []
    for beam in size.beams:
        options = SearchOptions(beam, n_best=beam)
        sentences = [SearchRequest(ids, max_tokens(len(ids)), options) for ids in sources]
        search(sentences)
        expected = [sentence.best for sentence in sentences]
        for precision, pair in sides_of(space).items():
            calls = {
                OURS: partial(our_answers, pair.ours, sources, beam),
                PEER: partial(peer_answers, pair.peer, sources, beam, precision),
            }
            for side, call in calls.items():
                counts = n_same_and_tied(expected, run_child(call))
                lines.append(Agreement(side, precision, beam, len(sources), *counts))
                report(str(lines[-1]))
    return tuple(lines)


def n_same_and_tied(
    expected: Sequence[Sequence[Hypothesis]], actual: Sequence[Tokens]
) -> tuple[int, int]:
    """Count answers that are the first hypothesis, and those that are another with the same score.

    Raises:
        ValueError: There are not equally many.
    """
    ranks = []
    for found, answer in zip(expected, actual, strict=True):
        first = found[0].score
        tied = [tokens_of(h) for h in found if abs(h.score - first) < _TIE]
        ranks.append(tied.index(tuple(answer)) if tuple(answer) in tied else None)
    return ranks.count(0), sum(rank is not None and rank > 0 for rank in ranks)


def our_answers(model: Path, sources: list[list[int]], beam: int) -> list[Tokens]:
    """In a child: return the answers of a bundle of ours, all sources in one call."""
    limits = [max_tokens(len(source)) for source in sources]
    return [tokens_of(best) for best in Ours.open(model).search(sources, limits, beam)]


def peer_answers(
    model: Path, sources: list[list[int]], beam: int, precision: Precision
) -> list[Tokens]:
    """In a child: the same by CTranslate2, sources of equal length together, since they share a limit."""
    settings = replace(PeerSettings.plain(precision), max_batch_size=_MAX_ROWS)
    peer, found = Peer(model, settings), dict[int, Tokens]()
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, source in enumerate(sources):
        by_length[len(source)].append(i)
    for length, rows in by_length.items():
        best = peer.search(symbols_of([sources[i] for i in rows]), max_tokens(length), beam)
        found |= {i: list(map(int, answer)) for i, answer in zip(rows, best, strict=True)}
    return [found[i] for i in range(len(sources))]
