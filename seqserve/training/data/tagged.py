"""Sentences with entities: a token, a tab and a BIO2 tag a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqserve.errors import DataError
from seqserve.training.data.files import Split, not_empty, read_lines, stem_of
from seqserve.training.data.signs import join_signs
from seqserve.training.recipe_data import DataSet


@dataclass(frozen=True)
class TaggedSentence:
    """Tokens and their BIO2 tags, equally many."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


def read_tagged(root: Path, dataset: DataSet, split: Split) -> list[TaggedSentence]:
    """Read the sentences of an NER set.

    Raises:
        DataError: A line is not a token, a tab and a tag, or there is none; names the line.
    """
    sentences, tokens, tags = [], [], []
    stem = stem_of(dataset, split)
    for number, line in enumerate([*read_lines(root, dataset.path, f"{stem}.conll"), ""], 1):
        if line.startswith("# ") and "\t" not in line:
            continue
        if line:
            token, tab, tag = line.partition("\t")
            if not (token and tab and (tag == "O" or (tag[:2] in ("B-", "I-") and tag[2:]))):
                raise DataError(
                    f"{dataset.path} {stem}, line {number}: {line!r} is not token<TAB>tag with a tag "
                    "O, B-LABEL or I-LABEL; docs/training.md says how to convert files"
                )
            tokens.append(token)
            tags.append(tag)
        elif tokens:
            sentences.append(_as_read(tokens, tags, dataset))
            tokens, tags = [], []
    return not_empty(sentences, dataset, stem)


def _as_read(tokens: Sequence[str], tags: Sequence[str], dataset: DataSet) -> TaggedSentence:
    """Return a sentence as the recipe wants it read."""
    if dataset.joins:
        tokens, tags = join_signs(tokens, tags, dataset.joins)
    if dataset.lower:
        tokens = [token.lower() for token in tokens]
    return TaggedSentence(tuple(tokens), tuple(tags))
