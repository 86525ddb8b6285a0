"""The model of a language pair: the one whose languages the requested tags mean."""

from __future__ import annotations

from collections.abc import Sequence

from seqserve.errors import InputError, UnsupportedLanguagePair
from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.text.languages import Match, explain_mismatch, match_tag


def models_of_pair(
    source: str | None, target: str | None, models: Sequence[ModelInfo], name: str | None = None
) -> list[ModelInfo]:
    """Return the models of the pair that matches best, in order of preference: at least one.

    Args:
        source: Requested language of the texts; None matches any.
        target: Requested language of the translations; likewise.
        models: The translators that may answer, in order of preference.
        name: The model that the request names, for messages.

    Raises:
        UnsupportedLanguagePair: No model matches.
        InputError: Several pairs match equally well, and no default model has one of them.
    """
    ranked = [
        (rank, model, pair)
        for model in models
        for pair in model.language_pairs
        if (rank := _rank((source, target), pair)) is not None
    ]
    if not ranked:
        reason = _explain((source, target), models)
        what = "No model translates" if name is None else f"{cut(name)} does not translate"
        raise UnsupportedLanguagePair(
            f"{what} {cut(source or 'any')}→{cut(target or 'any')}. "
            f"Available pairs: {name_pairs(models)}.{reason}"
        )
    best = min(rank for rank, _, _ in ranked)
    matching = [(model, pair) for rank, model, pair in ranked if rank == best]
    first = matching[0][0]
    pairs = {pair for model, pair in matching if model is first or not first.is_default}
    if len(pairs) > 1:
        raise InputError(
            f"source, target: several pairs match; set both. Available pairs: {name_pairs(models)}."
        )
    return [model for model, pair in matching if pair in pairs]


def pair_of(source: str | None, target: str | None, model: ModelInfo) -> tuple[str, ...]:
    """Return the pair of a chosen model that matches requested languages best."""
    ranks = {pair: _rank((source, target), pair) for pair in model.language_pairs}
    return min((rank, pair) for pair, rank in ranks.items() if rank is not None)[1]


def name_pairs(models: Sequence[ModelInfo]) -> str:
    """Return the language pairs of models, for messages."""
    pairs = dict.fromkeys(pair for model in models for pair in model.language_pairs)
    return ", ".join(map("→".join, pairs))


def _rank(requested: tuple[str | None, str | None], pair: tuple[str, ...]) -> int | None:
    """Return how well a pair matches requested languages, 0 is best; None if it does not."""
    rank = 0
    for tag, served in zip(requested, pair, strict=True):
        match = Match.EXACT if tag is None else match_tag(tag, served)
        if match is None:
            return None
        rank += match
    return rank


def _explain(pair: tuple[str | None, str | None], models: Sequence[ModelInfo]) -> str:
    """Return why no model matches, where a requested language is nearly a served one."""
    reasons = dict.fromkeys(
        reason
        for model in models
        for served_pair in model.language_pairs
        for requested, served in zip(pair, served_pair, strict=True)
        if requested and (reason := explain_mismatch(cut(requested), served))
    )
    return f" {'; '.join(reasons)}." if reasons else ""
