"""Tokens with tags in any scheme as sentences of serving's tokens with BIO2 tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from seqserve.errors import ConfigError, DataError
from seqserve.quoting import cut
from seqserve.text.tag_schemes import SourceTag, has_side, source_spans, source_tags
from seqserve.text.tagging import retokenize
from seqserve.text.tags import OUTSIDE, tags_of
from seqserve.training.data import TaggedSentence


class TaggedToken(NamedTuple):
    """A token and its tag, as the export has them, and their place."""

    text: str
    tag: str
    where: str


Sentence: TypeAlias = Sequence[TaggedToken]


def scheme_of(tokens: Iterable[TaggedToken]) -> Mapping[str, SourceTag]:
    """Tell the scheme of an export: BIO2, IOB1, BIOES, BILOU, IO.

    Args:
        tokens: All of them.

    Returns:
        The meaning of every tag.

    Raises:
        DataError: No token is outside of entities, or a tag has no prefix where others have one.
    """
    first: dict[str, str] = {}
    for token in tokens:
        first.setdefault(token.tag, token.where)
    try:
        read = dict(zip(first, source_tags(list(first)), strict=True))
    except ConfigError as error:
        raise DataError(f"{next(iter(first.values()))}: {error}") from None
    if all(tag.label for tag in read.values()):
        raise DataError(
            f"{next(iter(first.values()))}: no tag of the export is {OUTSIDE}; is this the column of the tags "
            f"(--columns)? Found: {', '.join(list(first)[:5])}"
        )
    if any(tag.side for tag in read.values()):
        for text, tag in read.items():
            if tag.label and not tag.side and not has_side(text):
                raise DataError(
                    f"{first[text]}: the tag {cut(text)!r} has no prefix, as the others have (O, B-PER, I-PER)"
                )
    return read


def read_sentence(sentence: Sentence, scheme: Mapping[str, SourceTag]) -> TaggedSentence:
    """Return a sentence as training reads it: cut into the tokens of serving, with BIO2 tags."""
    spans = source_spans([scheme[token.tag] for token in sentence])
    tokens, tags = retokenize([token.text for token in sentence], tags_of(spans, len(sentence)))
    return TaggedSentence(tuple(token.text for token in tokens), tuple(tags))
