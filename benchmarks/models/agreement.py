"""Whether the translators give the tokens that torch gives in fp32: what times are worth hangs on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.models.ours import Ours, max_tokens, tokens_of
from benchmarks.models.peer import Peer, PeerSettings, symbols_of
from benchmarks.models.sides import OURS, PEER, encode, sides_of
from benchmarks.models.texts import dev_texts
from benchmarks.tools.child import run_child
from benchmarks.tools.workplace import Size, Workplace
from seqserve.decode.search import Hypothesis, SearchOptions
from seqserve.manifest import Precision
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.subwords import SPECIALS

_MAX_ROWS = 64
_TIE = 1e-6  # of a mean log-probability: float32 is no more precise

Answer = Sequence[int]
"""Target ids, the end symbol included where it was reached."""


@dataclass(frozen=True)
class Agreement:
    """How many texts one side translates as the fp32 torch model does, token for token.

    Args:
        side: Whose answers.
        precision: Of that side.
        beam: Beam size.
        n_texts: Of how many.
        n_identical: How many are the same.
        n_tied: How many others torch finds as probable, by `_TIE`: which of them is first, rounding decides.
    """

    side: str
    precision: Precision
    beam: int
    n_texts: int
    n_identical: int
    n_tied: int = 0

    @property
    def share(self) -> float:
        """Of 1, ties included."""
        return (self.n_identical + self.n_tied) / self.n_texts


@dataclass(frozen=True)
class AgreementFigures:
    """One line per side, precision and beam size."""

    lines: tuple[Agreement, ...]


def measure_agreement(
    place: Workplace, size: Size, say: Callable[[str], None] = lambda line: None
) -> AgreementFigures:
    """Compare both sides, in each precision, with the reference search on torch."""
    from model_export.checks.torch_reference import torch_search
    from model_export.sources.restore import restore_translator

    bundle = place.bundle("translation")
    sources = encode(bundle, dev_texts(bundle, place.data, size.agreement_texts, place.seed))
    search, lines = torch_search(restore_translator(bundle), SPECIALS), []
    for beam in size.beams:
        options = SearchOptions(beam, n_best=beam)
        sentences = [SearchRequest(ids, max_tokens(len(ids)), options) for ids in sources]
        search(sentences)
        expected = [sentence.best for sentence in sentences]
        for precision, pair in sides_of(place).items():
            asked = {"sources": sources, "beam": beam, "precision": precision}
            for side, name, path in ((OURS, "our", pair.ours), (PEER, "peer", pair.peer)):
                target = f"benchmarks.models.agreement:{name}_answers"
                answers = run_child(target, {"model": str(path), **asked})
                counts = n_same_and_tied(expected, answers)
                lines.append(Agreement(side, precision, beam, len(sources), *counts))
                say(str(lines[-1]))
    return AgreementFigures(tuple(lines))


def n_same_and_tied(
    expected: Sequence[Sequence[Hypothesis]], actual: Sequence[Answer]
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


def our_answers(
    model: str, sources: list[list[int]], beam: int, precision: Precision
) -> list[Answer]:
    """In a child: give the answers of a bundle of ours, all sources in one call."""
    limits = [max_tokens(len(source)) for source in sources]
    return [tokens_of(best) for best in Ours(Path(model)).search(sources, limits, beam)]


def peer_answers(
    model: str, sources: list[list[int]], beam: int, precision: Precision
) -> list[Answer]:
    """In a child: the same by CTranslate2, sources of equal length together, since they share a limit."""
    settings = replace(PeerSettings.plain(precision), max_batch_size=_MAX_ROWS)
    peer, found = Peer(Path(model), settings), dict[int, Answer]()
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, source in enumerate(sources):
        by_length[len(source)].append(i)
    for length, rows in by_length.items():
        best = peer.search(symbols_of([sources[i] for i in rows]), max_tokens(length), beam)
        found |= {i: list(map(int, answer)) for i, answer in zip(rows, best, strict=True)}
    return [found[i] for i in range(len(sources))]
