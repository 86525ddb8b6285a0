"""The special tokens of a tokenizer: their names, and how they become what no text can spell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.directory import TOKENIZER_CONFIG_FILE
from model_export.checkpoints.json_file import parse_object
from model_export.checkpoints.settings import name_of

# No text spells it: white space is between words, or another symbol of the vocabulary.
RESPELLED = " \0 "
_MAP_FILE = "special_tokens_map.json"
BERT_NAMES = {"unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "pad": "[PAD]", "mask": "[MASK]"}
ROBERTA_NAMES = {"unk": "<unk>", "cls": "<s>", "sep": "</s>", "pad": "<pad>", "mask": "<mask>"}
USUAL_NAMES = (BERT_NAMES, ROBERTA_NAMES)
"""Role -> special token of checkpoints that name none."""


def special_names(checkpoint: Checkpoint) -> dict[str, str]:
    """Return role -> special token, as tokenizer_config.json and special_tokens_map.json name them."""
    found: dict[str, str] = {}
    sources = {
        TOKENIZER_CONFIG_FILE: checkpoint.tokenizer_config,
        _MAP_FILE: _special_tokens_map(checkpoint),
    }
    for where, source in sources.items():
        for role in (*BERT_NAMES, "bos", "eos"):
            name = name_of(source, f"{role}_token", where)
            if name is not None:
                found.setdefault(role, name)
    return found


def _special_tokens_map(checkpoint: Checkpoint) -> Mapping[str, Any]:
    if not checkpoint.has(_MAP_FILE):
        return {}
    return parse_object(checkpoint.read(_MAP_FILE), str(checkpoint.path / _MAP_FILE))


def vocabulary_of(parts: Mapping[str, Any]) -> dict[str, int]:
    """Return symbol -> id of a model, added tokens not included."""
    vocabulary = parts["model"]["vocab"]
    if isinstance(vocabulary, list):
        return {symbol: i for i, (symbol, _) in enumerate(vocabulary)}
    return dict(vocabulary)


def without_special_tokens(parts: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Make special tokens what no text can spell; ordinary words that users added are kept.

    Args:
        parts: Of a tokenizer.
        names: Special tokens, besides those that the tokenizer marks as special.

    Returns:
        The parts, in which every symbol has the id that it had.
    """
    added = parts["added_tokens"]
    special = {*names, *(token["content"] for token in added if token["special"])}
    kept = [token for token in added if token["content"] not in special]
    # Added tokens keep their ids only if the ids before are taken.
    places = {token["id"]: token["content"] for token in added} if kept else {}
    model = dict(parts["model"])
    if isinstance(model["vocab"], list):
        model["vocab"] = _respelled_list(model["vocab"], places, special)
    else:
        # Merges name their symbols, and cannot make others. The unknown symbol of other models is named, too.
        is_merged = model["type"] == "BPE" and not model.get("ignore_merges")
        respelled = set() if is_merged else special - {model.get("unk_token")}
        symbols = model["vocab"] | {symbol: i for i, symbol in places.items()}
        model["vocab"] = {_respelled(symbol, respelled): i for symbol, i in symbols.items()}
    return {**parts, "model": model, "added_tokens": kept}


def _respelled_list(
    vocabulary: Sequence[tuple[str, float]], places: Mapping[int, str], special: Collection[str]
) -> list[tuple[str, float]]:
    """Respell the special symbols of a list whose places are the ids, and append added tokens.

    Args:
        vocabulary: Symbols and scores; a symbol may occur twice.
        places: Id -> added token.
        special: The special symbols.
    """
    found = [(_respelled(symbol, special), score) for symbol, score in vocabulary]
    lowest = min(score for _, score in found)  # unknown symbols are scored by the lowest one
    for i in range(len(found), max(places, default=-1) + 1):
        # Ids that nothing has get a symbol, too.
        symbol = places.get(i, f"{RESPELLED}{i}")
        found.append((_respelled(symbol, special), lowest))
    return found


def _respelled(symbol: str, special: Collection[str]) -> str:
    return RESPELLED + symbol if symbol in special else symbol
