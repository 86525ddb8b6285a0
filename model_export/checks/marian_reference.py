"""Verify the graphs of an imported Marian checkpoint with `transformers`.

What the graphs find is scored by transformers, token by token: so the comparison does not depend on how the two
searches break ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import MarianMTModel

from model_export.checks.difference import compare
from model_export.checks.parity import TOLERANCE
from model_export.memory import release_memory
from seqserve.bundle import Bundle
from seqserve.cpus import available_cpus
from seqserve.decode.search import Hypothesis, SearchOptions
from seqserve.runtime.openers import open_tokenizer, open_translator
from seqserve.runtime.search_request import SearchRequest
from seqserve.text.batching import pad
from seqserve.text.protocols import SpecialIds

_SHAPES = ((1, 4), (5, 12), (2, 60))  # texts, tokens
_BEAM_SIZES = (1, 4)
_MORE_TOKENS = 3  # than the source has


def check_search(path: Path, draft: Bundle) -> float:
    """Compare the scores of the hypotheses that the graphs find.

    Args:
        path: The checkpoint.
        draft: Its bundle in float32.

    Returns:
        The largest absolute difference of a mean log-probability per token.

    Raises:
        ExportError: It is too large, or not finite.
    """
    specials = open_tokenizer(draft.config, draft.read).specials
    found = _find(draft, specials)
    release_memory()
    # Loaded when the sessions of the graphs are gone: together they would need twice the memory.
    model = MarianMTModel.from_pretrained(
        path,
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    return max(
        compare(
            where,
            {"scores": _scores(model, hypotheses, specials)},
            {"scores": np.array([one.score for _, one in hypotheses], np.float32)},
            TOLERANCE,
        )
        for where, hypotheses in found.items()
    )


_Found = Sequence[tuple[Sequence[int], Hypothesis]]
"""Sources, each with one of its hypotheses."""


def _find(draft: Bundle, specials: SpecialIds) -> dict[str, _Found]:
    """Return what the graphs find for random sources, by what was searched."""
    search = open_translator(draft, available_cpus()).search
    rng = np.random.default_rng(0)
    special = {specials.pad, specials.end, specials.unknown}
    plain = [i for i in range(draft.config["model"]["vocab_size"]) if i not in special]
    found: dict[str, _Found] = {}
    for beam_size in _BEAM_SIZES:
        for n_texts, n_tokens in _SHAPES:
            lengths = rng.integers(1, n_tokens + 1, n_texts)
            sources = [[*rng.choice(plain, n).tolist(), specials.end] for n in lengths]
            options = SearchOptions(beam_size, 1.0, beam_size)
            requests = [SearchRequest(ids, len(ids) + _MORE_TOKENS, options) for ids in sources]
            search(requests)
            where = f"beam size {beam_size}, {n_texts} x {n_tokens} tokens"
            found[where] = [(one.ids, best) for one in requests for best in one.best]
    return found


def _scores(
    model: MarianMTModel,
    found: _Found,
    specials: SpecialIds,
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Return the mean log-probability per token of hypotheses of sources, (N,)."""
    sources, lengths = pad([ids for ids, _ in found], specials.pad)
    written = [
        [*one.tokens, specials.end] if one.is_finished else list(one.tokens) for _, one in found
    ]
    targets, n_tokens = pad(written, specials.pad)
    starts = np.full((len(found), 1), specials.pad, np.int64)
    is_source = np.arange(sources.shape[1]) < lengths[:, None]
    with torch.inference_mode():
        logits = model(
            input_ids=torch.from_numpy(sources),
            attention_mask=torch.from_numpy(is_source.astype(np.int64)),
            decoder_input_ids=torch.from_numpy(np.concatenate([starts, targets[:, :-1]], axis=1)),
        ).logits
        logits[:, :, list(specials.banned)] = -torch.inf
        of_tokens = logits.log_softmax(2).gather(2, torch.from_numpy(targets)[:, :, None])[:, :, 0]
        is_token = torch.from_numpy(np.arange(targets.shape[1]) < n_tokens[:, None])
        totals = torch.where(is_token, of_tokens, 0).sum(1)
        scores: np.ndarray[tuple[int], np.dtype[np.float32]] = (
            (totals / torch.from_numpy(n_tokens)).float().numpy()
        )
    return scores
