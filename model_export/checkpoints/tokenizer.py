"""The text encoder of an imported model: its tokenizer, its special tokens, and how much it reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.settings import count_of, longest_input_of, padding_id_of
from model_export.checkpoints.special_tokens import (
    RESPELLED,
    USUAL_NAMES,
    special_names,
    vocabulary_of,
    without_special_tokens,
)
from model_export.checkpoints.tokenizer_files import (
    TOKENIZER_FILE,
    is_used_as_in_json,
    open_tokenizer,
    read_tokenizer,
)
from seqserve.config import to_mapping
from seqserve.errors import CheckpointError
from seqserve.text.languages import MANY_LANGUAGES
from seqserve.text.pieces import PieceConfig

_UNSPLIT = frozenset({"", MANY_LANGUAGES, "und"})
"""Languages whose sentences are not known: paragraphs are read whole."""

_DEBERTA_POSITIONS = 512  # relative ones have no limit; this is what checkpoints are trained with


@dataclass(frozen=True)
class EncoderText:
    """The parts of a bundle that say how text is read.

    Args:
        config: The section `text` of config.json.
        files: By name.
        max_tokens: Most pieces of a row, without special tokens.
        warnings: What the user should know, a sentence each.
    """

    config: dict[str, Any]
    files: dict[str, bytes]
    max_tokens: int
    warnings: tuple[str, ...]


class _Specials(NamedTuple):
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int
    unknown: int | None


def encoder_text(checkpoint: Checkpoint, language: str) -> EncoderText:
    """Read the tokenizer of an encoder.

    Args:
        checkpoint: Of an encoder.
        language: A BCP 47 tag, for the sentence splitter; empty, `mul` and `und`: none.

    Raises:
        CheckpointError: The tokenizer cannot be read, or does not match the model.
    """
    tokenizer, parts = read_tokenizer(checkpoint)
    special = _specials(checkpoint, tokenizer, parts["model"])
    names = set(special_names(checkpoint).values())
    disarmed = without_special_tokens(parts, names)
    _check_ids(checkpoint, disarmed, special)
    n_special = len(special.prefix) + len(special.suffix)
    max_tokens = _positions(checkpoint) - n_special
    if max_tokens < 1:
        raise CheckpointError(
            f"{checkpoint.path} has room for {max_tokens + n_special} tokens, {n_special} of them special; "
            "see max_position_embeddings in config.json and model_max_length in tokenizer_config.json"
        )
    primary = language.replace("_", "-").split("-")[0].lower()
    config = PieceConfig("" if primary in _UNSPLIT else primary, *special, max_tokens=max_tokens)
    open_tokenizer(checkpoint, disarmed)
    files = {TOKENIZER_FILE: json.dumps(disarmed, ensure_ascii=False).encode()}
    is_bare = not any(_around(tokenizer))
    return EncoderText(to_mapping(config), files, max_tokens, _warnings(checkpoint, parts, is_bare))


def _specials(checkpoint: Checkpoint, tokenizer: Tokenizer, model: Mapping[str, Any]) -> _Specials:
    names = special_names(checkpoint)
    pad = _first_id(tokenizer, names, "pad")
    if pad is None:
        pad = padding_id_of(checkpoint.config)
    prefix, suffix = _around(tokenizer)
    if not prefix + suffix:
        first, last = (_first_id(tokenizer, names, role) for role in ("cls", "sep"))
        if first is None or last is None:
            raise CheckpointError(
                f"the tokenizer of {checkpoint.path} has no special tokens around a text: name cls_token and "
                "sep_token in tokenizer_config.json"
            )
        prefix, suffix = (first,), (last,)
    return _Specials(prefix, suffix, pad, _unknown(tokenizer, model))


def _around(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the ids that the tokenizer adds before and behind a text."""
    alone = tokenizer.encode("a", add_special_tokens=False).ids
    around = tokenizer.encode("a", add_special_tokens=True).ids
    for start in range(len(around) - len(alone) + 1):
        if alone and around[start : start + len(alone)] == alone:
            return tuple(around[:start]), tuple(around[start + len(alone) :])
    return (), ()


def _first_id(tokenizer: Tokenizer, names: Mapping[str, str], role: str) -> int | None:
    """Return the id of a special token: of the named one, else of the usual one."""
    for name in (names.get(role), *(usual[role] for usual in USUAL_NAMES)):
        found = tokenizer.token_to_id(name) if name else None
        if found is not None:
            return int(found)
    return None


def _unknown(tokenizer: Tokenizer, model: Mapping[str, Any]) -> int | None:
    if model.get("type") == "Unigram":
        found = model.get("unk_id")
        return int(found) if found is not None else None
    name = model.get("unk_token")
    found = tokenizer.token_to_id(name) if name else None
    return int(found) if found is not None else None


def _check_ids(checkpoint: Checkpoint, parts: Mapping[str, Any], special: _Specials) -> None:
    """Check that the model has an embedding for every id.

    Raises:
        CheckpointError: It has too few.
    """
    n_ids = count_of(checkpoint.config, "vocab_size")
    used = [i for symbol, i in vocabulary_of(parts).items() if not symbol.startswith(RESPELLED)]
    used += [*special.prefix, *special.suffix, special.pad, special.unknown or 0]
    if max(used) >= n_ids:
        raise CheckpointError(
            f"the tokenizer of {checkpoint.path} has ids up to {max(used)}, but the model has only {n_ids} "
            "embeddings: are these files of the same checkpoint?"
        )


def _positions(checkpoint: Checkpoint) -> int:
    """Return the most ids of a row, special ones included."""
    count = _POSITIONS.get(checkpoint.family, _counted_from_zero)(checkpoint.config)
    return min(count, longest_input_of(checkpoint.tokenizer_config) or count)


def _counted_from_zero(config: Mapping[str, Any]) -> int:
    return count_of(config, "max_position_embeddings", 512)


def _counted_behind_padding(config: Mapping[str, Any]) -> int:
    """Return the positions of a model whose first one is behind the id of the padding."""
    return _counted_from_zero(config) - padding_id_of(config, 1) - 1


_POSITIONS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "roberta": _counted_behind_padding,
    "xlm-roberta": _counted_behind_padding,
    "camembert": _counted_behind_padding,
    "deberta-v2": lambda config: _DEBERTA_POSITIONS,
}
"""Family -> its positions by config.json; of the others, max_position_embeddings."""


def _warnings(checkpoint: Checkpoint, parts: Mapping[str, Any], is_bare: bool) -> tuple[str, ...]:
    """Return what about a tokenizer may differ from the one that the checkpoint was trained with.

    Args:
        checkpoint: Of an encoder.
        parts: Of its tokenizer.
        is_bare: Whether the tokenizer adds no special tokens to a text.
    """
    if is_used_as_in_json(checkpoint):
        if not is_bare:
            return ()
        return (
            "tokenizer.json adds no special tokens around a text (post_processor); here they are added, as the "
            "family is trained with them: check some answers.",
        )
    normalizer = parts.get("normalizer") or {}
    is_told = "do_lower_case" in checkpoint.tokenizer_config
    if normalizer.get("type") == "BertNormalizer" and not normalizer["lowercase"] and not is_told:
        return (
            "tokenizer.json keeps capital letters, and tokenizer_config.json does not say do_lower_case, which "
            "transformers takes for true: check some answers.",
        )
    return ()
