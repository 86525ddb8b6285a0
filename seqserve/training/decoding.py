"""Translate with the torch model: for BLEU on dev, and as the reference of exported graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from seqserve.arrays import FloatArray, IntArray
from seqserve.decode.search import SearchVocabulary, greedy_search, max_target_tokens
from seqserve.models.seq2seq import RowSeq2Seq, RowState
from seqserve.models.transformer import DecoderState, Transformer
from seqserve.text.batching import length_batches, pad
from seqserve.text.subwords import SubwordTokenizer

Translator = Transformer | RowSeq2Seq


@dataclass(frozen=True)
class TorchState:
    """The decoder's state behind the interface of `seqserve.decode.search`."""

    state: DecoderState | RowState

    def select(self, rows: IntArray) -> TorchState:
        """Keep and reorder hypotheses."""
        return TorchState(self.state.select(torch.from_numpy(rows)))


class TorchTranslator:
    """The torch model behind the interface that beam search and the runtime drive."""

    def __init__(self, model: Translator, banned_ids: Sequence[int] = ()) -> None:
        """Take ids that must not come out; the probabilities of the others sum to 1."""
        self._model = model
        self._device = next(model.parameters()).device
        self._banned_ids = list(banned_ids)

    def start(self, source: IntArray) -> TorchState:
        """Read (B, S) padded source ids."""
        with torch.inference_mode():
            return TorchState(self._model.start(self._tensor(source)))

    def step(self, tokens: IntArray, state: TorchState) -> tuple[FloatArray, TorchState]:
        """Last ids (B, W) -> log-probabilities (B, W, V) and the next state."""
        with torch.inference_mode():
            logits, next_state = self._model.step(self._tensor(tokens), cast(Any, state.state))
            logits[:, :, self._banned_ids] = float("-inf")
            log_probs: FloatArray = logits.log_softmax(2).cpu().numpy()
        return log_probs, TorchState(next_state)

    def _tensor(self, ids: IntArray) -> torch.Tensor:
        return torch.from_numpy(ids).to(self._device)


def greedy_translations(
    model: Translator, tokenizer: SubwordTokenizer, sources: Sequence[Sequence[int]], tokens: int
) -> list[str]:
    """Translate by greedy search.

    Args:
        model: In eval mode.
        tokenizer: Of the target.
        sources: Ids of the sources.
        tokens: Padded source tokens of a batch.

    Returns:
        One translation per source, in their order.
    """
    specials = tokenizer.specials
    translator = TorchTranslator(model, specials.banned)
    vocabulary = SearchVocabulary(specials.pad, specials.end, specials.banned)
    found: list[str] = [""] * len(sources)
    for rows in length_batches([len(source) for source in sources], tokens):
        source, lengths = pad([sources[i] for i in rows], specials.pad)
        limits = np.array([max_target_tokens(int(n)) for n in lengths], np.int64)
        state = translator.start(source)
        hypotheses = greedy_search(translator.step, state, vocabulary, limits)
        for i, hypothesis in zip(rows.tolist(), hypotheses, strict=True):
            found[i] = tokenizer.decode(hypothesis.tokens)
    return found
