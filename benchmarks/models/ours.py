"""Our translator as it is measured: ids in, hypotheses out, by the threads of the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqserve.bundle import load_bundle
from seqserve.decode.search import Hypothesis, SearchOptions
from seqserve.runtime.openers import open_translator
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.subwords import SPECIALS

Ids = Sequence[int]


class Ours:
    """A translator bundle."""

    def __init__(self, bundle: Path, n_workers: int = 1) -> None:
        """Verify and load it, for a number of threads."""
        self._translator = open_translator(load_bundle(bundle), n_workers)

    def search(
        self, sources: Sequence[Ids], max_tokens: Sequence[int], beam_size: int
    ) -> list[Hypothesis]:
        """Give the best hypothesis of each source.

        Args:
            sources: Ids, the end symbol included.
            max_tokens: Most target tokens of each, the end symbol included.
            beam_size: 1 is greedy search.
        """
        options = SearchOptions(beam_size)
        sentences = [
            SearchRequest(ids, limit, options)
            for ids, limit in zip(sources, max_tokens, strict=True)
        ]
        self._translator.search(sentences)
        return [sentence.best[0] for sentence in sentences]


def max_tokens(n_source_tokens: int) -> int:
    """Give the most target tokens of a source, as the runtime has it."""
    return 2 * n_source_tokens + 10


def tokens_of(hypothesis: Hypothesis) -> tuple[int, ...]:
    """Give the tokens, the end symbol included where it was reached."""
    return (*hypothesis.tokens, SPECIALS.end) if hypothesis.is_finished else hypothesis.tokens
