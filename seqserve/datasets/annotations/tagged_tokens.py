"""Tokens with tags in any scheme as sentences of serving's tokens with BIO2 tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from seqserve.datasets.annotations.documents import Annotation
from seqserve.datasets.annotations.report import Report
from seqserve.errors import ConfigError, DataError
from seqserve.quoting import cut
from seqserve.text.tag_schemes import SourceTag, has_side, source_spans, source_tags
from seqserve.text.tagging import retokenize
from seqserve.text.tags import OUTSIDE, tags_of
from seqserve.text.words import tokenize
from seqserve.training.data import TaggedSentence


class TaggedToken(NamedTuple):
    """A token and its tag, as the export has them, and their place."""

    text: str
    tag: str
    where: str


Sentence: TypeAlias = Sequence[TaggedToken]
_BILUO = re.compile(r"(?P<side>[BILU])-(?P<label>.+)")


def scheme_of(tokens: Iterable[TaggedToken], report: Report) -> Mapping[str, SourceTag]:
    """Tell the scheme of an export: BIO2, IOB1, BIOES, BILOU, IO.

    Args:
        tokens: All of them, of all files: a part may lack the tags that tell the scheme.
        report: Gets the labels that look like tags with a prefix.

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
            f"(--columns)? Found: {', '.join(map(cut, list(first)[:5]))}"
        )
    if any(tag.side for tag in read.values()):
        for text, tag in read.items():
            if tag.label and not tag.side and not has_side(text):
                raise DataError(
                    f"{first[text]}: the tag {cut(text)!r} has no prefix, as the others have (O, B-PER, I-PER)"
                )
    for text, tag in read.items():
        if tag.label == text and has_side(text):
            report.add(
                "note",
                "tags that look like ones with a prefix or a suffix, and are read as labels without one; "
                "rename them with --rename if they are no labels",
                first[text],
                cut(text),
            )
    return read


def biluo_tag(token: TaggedToken) -> SourceTag:
    """Return the tag of a token in the scheme BILUO, whatever the other tags are.

    Raises:
        DataError: It is none.
    """
    if token.tag == OUTSIDE:
        return SourceTag("", "")
    found = _BILUO.fullmatch(token.tag)
    if found is None:
        raise DataError(
            f"{token.where}: the tag {cut(token.tag)!r} is none of BILUO: use O, -, B-PER, I-PER, L-PER, U-PER"
        )
    return SourceTag(found["side"], found["label"])


def of_sentences(
    where: str,
    tagged: Iterable[tuple[Sentence, Sequence[SourceTag]]],
    report: Report,
    document: str = "",
) -> Annotation:
    """Return a document: its sentences as training reads them, with the tokens of serving and BIO2 tags.

    Args:
        where: Its place.
        tagged: The sentences, and what the tags of their tokens mean.
        report: Gets what has no visible character, and so no token of serving.
        document: Its name.
    """
    texts, sentences = [], []
    for sentence, tags in tagged:
        texts.append(" ".join(token.text for token in sentence))
        read = _read_sentence(sentence, tags, report)
        if read.tokens:
            sentences.append(read)
    text = "\n".join(texts)
    return Annotation(where, text, "spans", sentences=tuple(sentences), document=document)


def _read_sentence(
    sentence: Sentence, source: Sequence[SourceTag], report: Report
) -> TaggedSentence:
    spans = source_spans(source)
    forms = [token.text for token in sentence]
    is_visible = [bool(tokenize(form)) for form in forms]
    for span in spans:
        if not any(is_visible[span.start : span.end]):
            where = sentence[span.start].where
            report.add("entities left out", "without a word", where, cut(span.label))
    for token, is_kept in zip(sentence, is_visible, strict=True):
        if not is_kept:
            report.add("changed", "tokens without a visible character removed", token.where)
    tokens, tags = retokenize(forms, tags_of(spans, len(sentence)))
    return TaggedSentence(tuple(token.text for token in tokens), tuple(tags))
