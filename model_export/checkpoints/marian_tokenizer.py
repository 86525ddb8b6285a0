"""The tokenizer of a Marian checkpoint: source.spm with vocab.json, or a tokenizer.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.marian_languages import Directions, directions_of
from model_export.checkpoints.sentencepiece_model import segmentation_of
from seqserve.errors import CheckpointError, DataError
from seqserve.models.transformer_config import TransformerConfig
from seqserve.text.joint_pieces import JointPieceTokenizer
from seqserve.text.protocols import SpecialIds
from seqserve.text.subwords import END, PAD, UNKNOWN, SubwordTokenizer, without_added_tokens

SOURCE_MODEL, VOCABULARY, TARGET_VOCABULARY = "source.spm", "vocab.json", "target_vocab.json"
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class ReadTokenizer:
    """A tokenizer as parts of a bundle.

    Args:
        directions: What the model translates.
        specials: Ids of its vocabulary.
        files: By name.
        config: What config.json of the bundle holds about it.
    """

    directions: Directions
    specials: SpecialIds
    files: dict[str, bytes]
    config: dict[str, Any] = field(default_factory=dict)


def read_tokenizer(
    checkpoint: Checkpoint, config: TransformerConfig, languages: Sequence[str]
) -> ReadTokenizer:
    """Read the tokenizer of a checkpoint.

    Args:
        checkpoint: The checkpoint.
        config: The shape of its model.
        languages: As in `directions_of`.

    Raises:
        CheckpointError: There is none that can be read, or it is not that of the model.
    """
    if checkpoint.has(TARGET_VOCABULARY) or checkpoint.tokenizer_config.get("separate_vocabs"):
        raise CheckpointError(
            f"{checkpoint.path} has a vocabulary per language ({TARGET_VOCABULARY}); only a joint one can be "
            "imported"
        )
    if checkpoint.has(SOURCE_MODEL):
        return _of_pieces(checkpoint, config, languages)
    if checkpoint.has(TOKENIZER):
        return _of_library(checkpoint, config, languages)
    raise CheckpointError(
        f"{checkpoint.path} has neither {SOURCE_MODEL} (with {VOCABULARY}) nor {TOKENIZER}: copy the "
        "files of the tokenizer to the checkpoint"
    )


def _of_pieces(
    checkpoint: Checkpoint, config: TransformerConfig, languages: Sequence[str]
) -> ReadTokenizer:
    """Read a sentencepiece model and a joint vocabulary."""
    where = str(checkpoint.path / VOCABULARY)
    try:
        vocabulary = json.loads(checkpoint.read(VOCABULARY))
    except ValueError as error:
        raise CheckpointError(f"{where} is not JSON: copy it again") from error
    if not _is_vocabulary(vocabulary):
        raise CheckpointError(f"{where} must be an object of pieces and their ids, each id once")
    specials = _specials_of(where, vocabulary, config)
    directions = directions_of(checkpoint, vocabulary, languages)
    segmentation = segmentation_of(
        checkpoint.read(SOURCE_MODEL), str(checkpoint.path / SOURCE_MODEL)
    )
    tokenizer = JointPieceTokenizer(segmentation, vocabulary, specials, directions.prefixes)
    tables = {"tokenizer": tokenizer.to_mapping()}
    return ReadTokenizer(directions, specials, tokenizer.to_files(), tables)


def _of_library(
    checkpoint: Checkpoint, config: TransformerConfig, languages: Sequence[str]
) -> ReadTokenizer:
    """Read a tokenizer of the `tokenizers` library, whose ids are those of the model."""
    where = str(checkpoint.path / TOKENIZER)
    try:
        tokenizer = SubwordTokenizer(without_added_tokens(checkpoint.read(TOKENIZER).decode()))
    except (ValueError, DataError) as error:
        raise CheckpointError(f"{where} cannot be read: {error}") from error
    specials = _specials_of(where, tokenizer.vocabulary, config)
    directions = directions_of(checkpoint, tokenizer.vocabulary, languages)
    if directions.prefixes:
        raise CheckpointError(
            f"{where} has language codes such as >>fra<<; a model with them needs {SOURCE_MODEL} and "
            f"{VOCABULARY}"
        )
    return ReadTokenizer(directions, specials, {TOKENIZER: tokenizer.to_json().encode()})


def _is_vocabulary(value: Any) -> TypeGuard[dict[str, int]]:
    if not isinstance(value, dict) or not value:
        return False
    ids = list(value.values())
    return all(type(one) is int and one >= 0 for one in ids) and len(set(ids)) == len(ids)


def _specials_of(
    where: str, vocabulary: Mapping[str, int], config: TransformerConfig
) -> SpecialIds:
    """Return the special ids.

    Raises:
        CheckpointError: The vocabulary is not that of the model.
    """
    if missing := {END, UNKNOWN, PAD} - vocabulary.keys():
        raise CheckpointError(f"{where} lacks {', '.join(sorted(missing))}")
    named = {"pad_token_id": (PAD, config.pad_id), "eos_token_id": (END, config.end_id)}
    for key, (piece, number) in named.items():
        if vocabulary[piece] != number:
            raise CheckpointError(
                f"{where}: {piece} is {vocabulary[piece]}, but {key} of config.json is {number}"
            )
    largest = max(vocabulary.values())
    if largest + 1 != config.vocab_size:
        raise CheckpointError(
            f"{where} has ids up to {largest}, but vocab_size of config.json is {config.vocab_size}"
        )
    return SpecialIds(config.pad_id, config.end_id, vocabulary[UNKNOWN])
