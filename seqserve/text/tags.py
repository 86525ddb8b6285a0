"""BIO2 tags and spans: B-X opens an entity of label X, I-X continues it, O is outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seqserve.arrays import BoolArray, IntArray

OUTSIDE = "O"


@dataclass(frozen=True)
class Span:
    """Tokens start..end-1 form an entity."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class BatchSpans:
    """N entities of a batch, row by row from left to right.

    Args:
        row: (N,), index into the batch.
        start: (N,), first token.
        end: (N,), one past the last token.
        label: (N,), index into the scheme's labels.
    """

    row: IntArray
    start: IntArray
    end: IntArray
    label: IntArray


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Read the entities off a tag sequence; an I-X that continues nothing opens an entity."""
    spans: list[Span] = []
    start, label = 0, ""
    for i, tag in enumerate([*tags, OUTSIDE]):
        goes_on = tag.startswith("I-") and tag[2:] == label
        if label and not goes_on:
            spans.append(Span(start, i, label))
        if not goes_on:
            start, label = i, "" if tag == OUTSIDE else tag[2:]
    return spans


def tags_of(spans: Iterable[Span], n_tokens: int) -> list[str]:
    """Write entities as tags; spans do not overlap."""
    tags = [OUTSIDE] * n_tokens
    for span in spans:
        tags[span.start] = f"B-{span.label}"
        tags[span.start + 1 : span.end] = [f"I-{span.label}"] * (span.end - span.start - 1)
    return tags


class SpanScheme(Protocol):
    """What a predictor needs of the tags of a model."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What entities are labelled with."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """The BIO2 tag of every tag id, (K,)."""
        ...

    def inside_tags(self) -> IntArray:
        """Return the tag that makes an entity longer, (K,); -1: none."""
        ...

    def twin_tags(self) -> IntArray | None:
        """Return the other tag that begins the same entities, (K,), -1: none; None: no tag has one."""
        ...

    def spans(self, tags: IntArray, lengths: IntArray) -> BatchSpans:
        """Read the entities off the rows of a batch of tag ids (B, T) with their lengths (B,)."""
        ...


class TagScheme:
    """Labels -> tag ids: 0 is O, then B and I of each label in turn."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.tags = (OUTSIDE, *(f"{side}-{label}" for label in labels for side in "BI"))
        self._ids = {tag: i for i, tag in enumerate(self.tags)}

    def __len__(self) -> int:
        """K, the number of tags."""
        return len(self.tags)

    def id_of(self, tag: str) -> int:
        """Return the id of a tag; KeyError if no label has it."""
        return self._ids[tag]

    def allowed(self) -> tuple[BoolArray, BoolArray]:
        """Return which transitions BIO2 allows.

        Returns:
            (K,) which tags may come first; (K, K) from -> to.
        """
        inside = np.array([tag.startswith("I-") for tag in self.tags])
        label = np.array([tag[2:] for tag in self.tags])
        moves = ~inside[None, :] | (label[:, None] == label[None, :])
        return ~inside, moves

    def inside_tags(self) -> IntArray:
        """Return the tag that makes an entity longer, (K,): I-X for B-X and I-X, -1 for O."""
        return np.array([-1, *(2 * (i // 2) + 2 for i in range(len(self.tags) - 1))])

    def twin_tags(self) -> None:
        """Return None: every entity begins with its own tag."""

    def spans(self, tags: IntArray, lengths: IntArray) -> BatchSpans:
        """Read the entities off the rows of a batch, as `spans_of` does off one.

        Args:
            tags: (B, T) ids, anything behind the lengths.
            lengths: (B,).
        """
        return batch_spans((tags + 1) // 2, tags % 2 == 0, lengths)


def batch_spans(labels: IntArray, is_inside: BoolArray, lengths: IntArray) -> BatchSpans:
    """Read the entities off the rows of a batch.

    Args:
        labels: (B, T), 1 and up; 0 is outside. Anything behind the lengths.
        is_inside: (B, T), which tokens continue an entity of their label, if there is one before them.
        lengths: (B,).
    """
    real = np.arange(labels.shape[1]) < lengths[:, None]
    labels = np.where(real, labels, 0)
    opened = labels > 0
    goes_on = opened & is_inside
    goes_on[:, 1:] &= labels[:, 1:] == labels[:, :-1]
    goes_on[:, :1] = False
    is_last = opened.copy()
    is_last[:, :-1] &= ~goes_on[:, 1:]
    rows, starts = np.nonzero(opened & ~goes_on)
    return BatchSpans(rows, starts, np.nonzero(is_last)[1] + 1, labels[rows, starts] - 1)
