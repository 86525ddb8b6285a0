"""What readers of exports return: the annotation of one text by one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from seqserve.tasks import Task
from seqserve.training.data import TaggedSentence

Kind: TypeAlias = Literal["spans", "labels", "translation"]
KINDS: Mapping[Task, Kind] = {
    "ner": "spans",
    "sentiment": "labels",
    "classification": "labels",
    "translation": "translation",
}
"""What the examples of a task are labelled with."""
TASK_OF_KIND: Mapping[Kind, Task] = {
    "spans": "ner",
    "labels": "classification",
    "translation": "translation",
}
"""The task of an export, if none is named."""


@dataclass(frozen=True)
class CharSpan:
    """An entity: code points start..end-1 of the text."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Annotation:
    """What one person said about one text.

    Args:
        where: The place in the export, for messages.
        text: The text, or the source segment.
        kind: Of the labels; None if there are none: no entities, no label, no translation.
        spans: The entities, in any order.
        labels: Of the whole text.
        translations: Of the text, the preferred one first.
        sentences: Tokens with their tags, of formats without a running text; `spans` is empty then.
        annotators: Names of who said it, such as a number and an address; empty if unknown.
        rank: (whether it is the reference, seconds since 1970): the greater one prevails.
        document: Texts with the same name are never divided between splits; empty: the text is the document.
    """

    where: str
    text: str
    kind: Kind | None = None
    spans: tuple[CharSpan, ...] = ()
    labels: tuple[str, ...] = ()
    translations: tuple[str, ...] = ()
    sentences: tuple[TaggedSentence, ...] = ()
    annotators: tuple[str, ...] = ()
    rank: tuple[bool, float] = (False, 0.0)
    document: str = ""


_MEMBERS: Mapping[Kind, str] = {
    "spans": "spans",
    "labels": "labels",
    "translation": "translations",
}


def by_kind(
    empty: Annotation, found: Mapping[Kind, Sequence[Any]], task: Task | None
) -> Iterator[Annotation]:
    """Yield an annotation for the wanted kind of labels, or else for each that was found, or one without any.

    Args:
        empty: The annotation without labels.
        found: The labels.
        task: What is wanted; None: everything.
    """
    kinds = [KINDS[task]] if task else [kind for kind, values in found.items() if values]
    for kind in kinds:
        values: dict[str, Any] = {_MEMBERS[kind]: tuple(dict.fromkeys(found.get(kind, ())))}
        yield replace(empty, kind=kind, **values) if found.get(kind) else empty
    if not kinds:
        yield empty


class LeftOut(Exception):
    """An annotation that cannot be used, for a reason that is no fault of the format.

    Args:
        reason: The same for all annotations like it.
        detail: What is particular about this one.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
