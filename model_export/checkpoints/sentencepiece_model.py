"""Convert a sentencepiece model to a Unigram model of the `tokenizers` library.

The order of sentencepiece is kept: character map, spaces collapsed and stripped, a space before the text, each
space a symbol; then the most probable pieces. Control symbols are spelled so that no text contains them.

Source: Kudo and Richardson 2018 (SentencePiece), sections 3.2 to 3.4.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from sentencepiece import sentencepiece_model_pb2 as messages
from tokenizers import Regex, Tokenizer, models, normalizers

from seqserve.errors import CheckpointError
from seqserve.text.joint_pieces import SPACE

_TEXT_TYPES = frozenset({1, 4})  # normal, user defined: the others never match a text


def segmentation_of(contents: bytes, name: str) -> Tokenizer:
    """Return the segmentation of a sentencepiece model.

    Args:
        contents: Of the model's file.
        name: Of the file, for messages.

    Raises:
        CheckpointError: The file is no sentencepiece model, or one that the library cannot represent.
    """
    model = messages.ModelProto()
    try:
        model.ParseFromString(contents)
    except DecodeError as error:
        raise CheckpointError(f"{name} is no sentencepiece model: copy it again") from error
    _refuse_other_kinds(model, name)
    pieces = [
        # A space in a piece matches nothing, because every space of a text becomes another symbol.
        (one.piece if one.type in _TEXT_TYPES else f" {one.piece}", one.score)
        for one in model.pieces
    ]
    unknown = next(i for i, one in enumerate(model.pieces) if one.type == one.UNKNOWN)
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = _normalizer_of(model.normalizer_spec)
    return tokenizer


def _normalizer_of(spec: Any) -> normalizers.Normalizer:
    """Return what sentencepiece does to a text before it is cut."""
    steps: list[normalizers.Normalizer] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [
            normalizers.Replace(Regex("^ +| +$"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend(SPACE))
    steps.append(normalizers.Replace(" ", SPACE))
    return normalizers.Sequence(steps)


def _refuse_other_kinds(model: Any, name: str) -> None:
    """Raises CheckpointError: the segmentation would be another one."""
    trainer = model.trainer_spec
    kind = trainer.ModelType.Name(trainer.model_type)
    reasons = {
        f"is a model of type {kind}; only UNIGRAM can be imported": kind != "UNIGRAM",
        "has byte fallback, which is not supported": trainer.byte_fallback,
        "treats white space as a suffix, which is not supported": trainer.treat_whitespace_as_suffix,
        "does not escape white space, which is not supported": (
            not model.normalizer_spec.escape_whitespaces
        ),
        "has no pieces": not any(one.type in _TEXT_TYPES for one in model.pieces),
        "has no unknown piece": not any(one.type == one.UNKNOWN for one in model.pieces),
    }
    for reason, holds in reasons.items():
        if holds:
            raise CheckpointError(f"{name} {reason}")
