"""Texts in, translations out: sentences, subwords, beam search, text put together again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import onnxruntime

from seqserve.arrays import FloatArray, IntArray
from seqserve.bundle import Bundle
from seqserve.decode.search import (
    Hypothesis,
    SearchOptions,
    SearchState,
    SearchVocabulary,
    beam_search,
)
from seqserve.runtime.records import Alternative, TranslationItem, TranslationResult
from seqserve.runtime.session import make_session, run
from seqserve.text.batching import length_batches, pad
from seqserve.text.subwords import END_ID, PAD_ID, UNKNOWN_ID, SubwordTokenizer
from seqserve.text.translation import (
    Segment,
    join_pieces,
    join_segments,
    oddities,
    segments_of,
    split_long,
)

S = TypeVar("S", bound=SearchState)

_MAX_BATCH_TOKENS = 2048  # padded source tokens x beam size
_WARNINGS = ("truncated", "number_mismatch", "repetition", "untranslated")
_VOCABULARY = SearchVocabulary(start_id=PAD_ID, end_id=END_ID, banned_ids=(PAD_ID, UNKNOWN_ID))


class TranslatorModel(Protocol[S]):
    """Reads sources, then scores one target token after the other."""

    def start(self, source: IntArray, /) -> S:
        """Read (B, S) padded source ids."""
        ...

    def step(self, tokens: IntArray, state: S, /) -> tuple[FloatArray, S]:
        """Last ids (B, W) -> log-probabilities (B, W, V) and the next state."""
        ...


@dataclass(frozen=True)
class OnnxState:
    """What the decoder graph is fed again: the source, its cross K/V (B, ...), the past (B*W, ...)."""

    source: IntArray
    cross: dict[str, FloatArray]
    past: dict[str, FloatArray]
    n_beams: int

    def select(self, rows: IntArray) -> OnnxState:
        """Keep and reorder hypotheses; see `seqserve.decode.search.SearchState`."""
        sentences = rows[:, 0] // self.n_beams
        flat = rows.ravel()
        is_same = len(sentences) == len(self.source)  # sentences only ever leave
        return OnnxState(
            self.source if is_same else self.source[sentences],
            self.cross if is_same else {k: v[sentences] for k, v in self.cross.items()},
            {name: value[flat] for name, value in self.past.items()},
            rows.shape[1],
        )


class OnnxTranslator:
    """The encoder and the decoder-step graph of a bundle."""

    def __init__(
        self, encoder: onnxruntime.InferenceSession, decoder: onnxruntime.InferenceSession
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._past_shapes = {
            node.name: node.shape for node in decoder.get_inputs() if node.name.startswith("past_")
        }

    def start(self, source: IntArray) -> OnnxState:
        """Read (B, S) padded source ids; the cross-attention keys and values are computed once."""
        past = {
            name: np.zeros((len(source), shape[1], 0, shape[3]), dtype=np.float32)
            for name, shape in self._past_shapes.items()
        }
        return OnnxState(source, run(self._encoder, {"source": source}), past, 1)

    def step(self, tokens: IntArray, state: OnnxState) -> tuple[FloatArray, OnnxState]:
        """Last ids (B, W) -> log-probabilities (B, W, V) and the next state."""
        inputs: dict[str, Any] = {"tokens": tokens, "source": state.source}
        inputs |= state.cross | state.past
        outputs = run(self._decoder, inputs)
        log_probs = outputs.pop("log_probs")
        past = {f"past_{name}": value for name, value in outputs.items()}
        return log_probs, OnnxState(state.source, state.cross, past, tokens.shape[1])


@dataclass(frozen=True)
class _Source:
    """A text, cut: `pieces[i]` are the ids of what segment i is translated as, one list a piece."""

    segments: list[Segment]
    pieces: list[list[list[int]]]

    @property
    def n_tokens(self) -> int:
        return sum(len(ids) for pieces in self.pieces for ids in pieces)


class TranslationPredictor(Generic[S]):
    """Translations of texts, by any translator model."""

    def __init__(
        self,
        tokenizer: SubwordTokenizer,
        languages: tuple[str, str],
        max_source_tokens: int,
        model: TranslatorModel[S],
    ) -> None:
        """Take languages (source, target); sentences over `max_source_tokens` are cut in pieces."""
        self._tokenizer = tokenizer
        self._source, self._target = languages
        self._max_source_tokens = max_source_tokens
        self._model = model

    @staticmethod
    def open(bundle: Bundle) -> TranslationPredictor[OnnxState]:
        """Load the graphs of a bundle."""
        model = OnnxTranslator(
            make_session(bundle.file("encoder.onnx")), make_session(bundle.file("decoder.onnx"))
        )
        source, target = bundle.manifest.languages
        tokenizer = SubwordTokenizer.load(bundle.file("tokenizer.json"))
        limit = bundle.manifest.limits["max_source_tokens"]
        return TranslationPredictor(tokenizer, (source, target), limit, model)

    def predict(self, items: Sequence[TranslationItem]) -> list[TranslationResult]:
        """Translate each text; items that search alike share batches."""
        sources = [self._cut(item.text) for item in items]
        found: list[list[list[Hypothesis]]] = [[] for _ in items]
        groups: dict[SearchOptions, list[int]] = defaultdict(list)
        for i, item in enumerate(items):
            options = SearchOptions(item.beam_size, item.length_penalty, item.alternatives + 1)
            groups[options].append(i)
        for options, members in groups.items():
            jobs = [(i, ids) for i in members for pieces in sources[i].pieces for ids in pieces]
            limits = [_max_target_tokens(len(ids), items[i].max_tokens) for i, ids in jobs]
            hypotheses = self._search([ids for _, ids in jobs], limits, options)
            for (i, _), best in zip(jobs, hypotheses, strict=True):
                found[i].append(best)
        triples = zip(items, sources, found, strict=True)
        return [self._result(item, source, hypotheses) for item, source, hypotheses in triples]

    def _cut(self, text: str) -> _Source:
        segments = segments_of(text, self._source)
        encode = self._tokenizer.encode
        pieces = [
            [
                encode(piece)
                for piece in split_long(
                    segment.text, lambda part: len(encode(part)), self._max_source_tokens
                )
            ]
            for segment in segments
            if segment.is_translatable
        ]
        return _Source(segments, pieces)

    def _search(
        self, sources: Sequence[Sequence[int]], limits: Sequence[int], options: SearchOptions
    ) -> list[list[Hypothesis]]:
        """Give the hypotheses of each source, in order."""
        results: list[list[Hypothesis]] = [[] for _ in sources]
        budget = max(1, _MAX_BATCH_TOKENS // options.beam_size)
        for batch in length_batches([len(ids) for ids in sources], budget):
            source, _ = pad([sources[i] for i in batch], PAD_ID)
            max_tokens = np.array([limits[i] for i in batch], dtype=np.int64)
            best = beam_search(
                self._model.step, self._model.start(source), _VOCABULARY, max_tokens, options
            )
            for i, hypotheses in zip(batch, best, strict=True):
                results[i] = hypotheses
        return results

    def _result(
        self, item: TranslationItem, source: _Source, found: list[list[Hypothesis]]
    ) -> TranslationResult:
        """Put the translations of an item's pieces together."""
        versions = []
        for rank in range(item.alternatives + 1):
            chosen = [best[min(rank, len(best) - 1)] for best in found]
            n_tokens = sum(len(h.tokens) + h.is_finished for h in chosen)
            score = sum(h.log_prob for h in chosen) / max(1, n_tokens)
            texts = self._segment_texts(source, chosen)
            versions.append(Alternative(join_segments(source.segments, texts, self._target), score))
            if rank == 0:
                warnings = self._warnings(source, chosen, texts)
        best = versions[0]
        others = {
            version.text: version for version in reversed(versions) if version.text != best.text
        }
        alternatives = tuple(reversed(others.values())) if item.alternatives else None
        return TranslationResult(best.text, best.score, warnings, alternatives, source.n_tokens)

    def _segment_texts(self, source: _Source, chosen: Sequence[Hypothesis]) -> list[str]:
        """One translation per translatable segment, pieces joined."""
        remaining = iter(self._tokenizer.decode(hypothesis.tokens) for hypothesis in chosen)
        return [
            join_pieces([next(remaining) for _ in pieces], self._target) for pieces in source.pieces
        ]

    def _warnings(
        self, source: _Source, chosen: Sequence[Hypothesis], texts: Sequence[str]
    ) -> tuple[str, ...]:
        originals = [segment.text for segment in source.segments if segment.is_translatable]
        noticed = {name for pair in zip(originals, texts, strict=True) for name in oddities(*pair)}
        if not all(hypothesis.is_finished for hypothesis in chosen):
            noticed.add("truncated")
        return tuple(name for name in _WARNINGS if name in noticed)


def _max_target_tokens(n_source_tokens: int, wanted: int | None) -> int:
    """Twice the source and some more is beyond any honest translation."""
    limit = 2 * n_source_tokens + 10
    return limit if wanted is None else min(limit, wanted)
