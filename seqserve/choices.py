"""The values that fields of a request or a result have; it imports nothing, so that `seqserve` starts fast."""

from __future__ import annotations

from typing import Literal, TypeAlias

OnBlank: TypeAlias = Literal["empty", "error"]
OffsetUnit: TypeAlias = Literal["codepoint", "utf16", "byte", "grapheme"]
AnnotationFormat: TypeAlias = Literal["label-studio", "doccano", "spacy", "prodigy", "conll"]
LineBreaks: TypeAlias = Literal["keep", "join", "auto"]
TextFormat: TypeAlias = Literal["text", "html", "markdown"]
Warning: TypeAlias = Literal[
    "truncated",
    "wrong_language",
    "low_confidence",
    "number_mismatch",
    "placeholder_mismatch",
    "negation_mismatch",
    "omission",
    "repetition",
    "untranslated",
    "mostly_unknown",
    "glossary_missed",
    "uncertain_language",
]
Aggregation: TypeAlias = Literal["viterbi", "none", "simple", "first", "average", "max"]
ModelAction: TypeAlias = Literal["reload", "load", "unload"]
ModelState: TypeAlias = Literal["loading", "ready", "failed", "unloading", "unloaded"]
ScoreKind: TypeAlias = Literal["posterior", "softmax", "sigmoid", "mean_log_probability"]
Activation: TypeAlias = Literal["softmax", "sigmoid"]
"""How logits become probabilities: of labels that exclude each other, or of each label by itself."""
