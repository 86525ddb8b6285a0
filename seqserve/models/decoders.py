"""How a tagger chooses tags: a linear-chain CRF over the sentence, or a softmax for each token.

CRF: P(y | x) is proportional to exp(sum_t e_t[y_t] + sum_t A[y_{t-1}, y_t]). Softmax: the same without A, so
that P(y_t | x) = softmax(e_t), and the best path is the argmax of every token. BIO2 is not enforced then: an
I-X that continues nothing begins an entity.

Source: Lample et al. 2016, section 2.2 (both, compared).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from seqserve.models.pooling import token_mask
from seqserve.models.tagger import LinearChainCrf, WordTagger, WordTaggerConfig
from seqserve.text.tags import TagScheme

Decoder = Literal["crf", "softmax"]


@dataclass(frozen=True)
class DecoderConfig:
    """How tags are chosen.

    Args:
        decoder: A CRF over the tags of a sentence, or a softmax for each token.
    """

    decoder: Decoder = "crf"


class TagSoftmax(LinearChainCrf):
    """A CRF without transitions: every token's tag has a softmax of its own. It has no parameters."""

    def __init__(self, n_tags: int) -> None:
        super().__init__(torch.ones(n_tags).bool(), torch.ones(n_tags, n_tags).bool())
        del self.start, self.moves, self.end

    def potentials(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return zeros."""
        start = torch.zeros_like(self.legal_start, dtype=torch.float32)
        return start, torch.zeros_like(self.legal_moves, dtype=torch.float32), start

    def log_partition(self, emissions: Tensor, lengths: Tensor) -> Tensor:
        """Return the same sum as the CRF without its loop over tokens."""
        sums = emissions.logsumexp(2) * token_mask(emissions, lengths).squeeze(2)
        return sums.sum(1)


class DecodedTagger(WordTagger):
    """A tagger of words with either decoder."""

    def __init__(self, config: WordTaggerConfig, decoder: Decoder, labels: tuple[str, ...]) -> None:
        super().__init__(config)
        start, moves = map(torch.from_numpy, TagScheme(labels).allowed())
        self.crf = LinearChainCrf(start, moves) if decoder == "crf" else TagSoftmax(len(start))
