"""The tags of imported checkpoints (BIO, IOB1, IO, BIOES, BILOU, BMES) as states of one BIO lattice.

A tag says whether its token is outside, begins an entity or continues one. That a token ends an entity (E, L)
or is one by itself (S, U, W) follows from its neighbours. Every label has up to three states:

- opening: the first token of an entity that is not directly behind one of the same label. All tags of the label
  count, so that entities may begin with B-X, or with I-X as in IOB1 and IO.
- adjacent: the first token of an entity directly behind one of the same label. B-X, S-X, U-X and W-X count.
- inside: a further token of an entity. I-X, E-X, L-X, M-X and a label without a prefix count.

Whether `S-X` is a tag with a prefix or a label is told from all tags together; see `source_tags`.

The log-potential of a state is the log-sum-exp of the logits of its tags. A state without tags is left out: of
an IO label, adjacent tokens are one entity. Every labeling of a sentence has exactly one sequence of states.

Source: Ramshaw and Marcus, "Text Chunking using Transformation-Based Learning", WVLC 1995 (IOB1); Ratinov and
Roth, "Design Challenges and Misconceptions in Named Entity Recognition", CoNLL 2009, section 3.1 (BILOU).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from seqserve.arrays import BoolArray, FloatArray, IntArray
from seqserve.errors import ConfigError
from seqserve.quoting import cut
from seqserve.text.tags import OUTSIDE, BatchSpans, Span, batch_spans

_BEGINS = "BSUW"
_CONTINUES = "IELM"
_BEGINS_ALONE, _ENDS = frozenset(_BEGINS), frozenset("ELSUW")
_PREFIXED = re.compile(rf"(?P<side>[{_BEGINS}{_CONTINUES}])[-_](?P<label>.+)", re.IGNORECASE)
_SUFFIXED = re.compile(rf"(?P<label>.+)[-_](?P<side>[{_BEGINS}{_CONTINUES}])", re.IGNORECASE)
_BARE = re.compile(rf"[{_BEGINS}{_CONTINUES}](?:[-_].*)?", re.IGNORECASE)
_ALONE = frozenset("SUW")
_SCHEMES = tuple(map(frozenset, ("BIES", "BILU", "BMES", "BMEW")))
"""Letters of the prefixes of the schemes in which an entity of one token has a prefix of its own."""
_UNNAMED = "ENTITY"  # the label of tags that are B, I and O alone
# What taggers predict for special tokens and padding is no entity.
_SPECIAL = re.compile(r"\[.*\]|<.*>")

Place = Literal["opening", "adjacent", "inside"]


class SourceTag(NamedTuple):
    """A tag of a checkpoint: the letter of its prefix, "" without one, and its label, "" of O."""

    side: str
    label: str


class State(NamedTuple):
    """A state of the lattice: its label, its place in an entity, and the tags that it sums over."""

    label: str
    place: Place | None
    tags: tuple[int, ...]


class SourceScheme:
    """The states of the tags of a checkpoint; see the module."""

    def __init__(self, tags: Sequence[SourceTag]) -> None:
        self.labels = tuple(dict.fromkeys(tag.label for tag in tags if tag.label))
        self._states = [state for state in _states(self.labels, tags) if state.tags]
        self.tags = tuple(map(_bio_tag, self._states))
        numbers = {label: i + 1 for i, label in enumerate(self.labels)}
        self._label = np.array([numbers.get(state.label, 0) for state in self._states])
        self._is_inside = np.array([state.place == "inside" for state in self._states])

    def __len__(self) -> int:
        """S, the number of states."""
        return len(self._states)

    def allowed(self) -> tuple[BoolArray, BoolArray]:
        """Return which transitions there are.

        Returns:
            (S,) which states may come first; (S, S) from -> to.
        """
        is_adjacent = np.array([state.place == "adjacent" for state in self._states])
        goes_behind_own = self._is_inside | is_adjacent
        is_own = (self._label[:, None] == self._label[None, :]) & (self._label > 0)
        moves = np.where(goes_behind_own[None, :], is_own, ~is_own)
        return ~goes_behind_own, moves

    def inside_tags(self) -> IntArray:
        """Return the state that makes an entity longer, (S,); -1: none."""
        inside = {self._label[i]: i for i in np.flatnonzero(self._is_inside)}
        return np.array([inside.get(label, -1) for label in self._label])

    def twin_tags(self) -> IntArray:
        """Return the other state that begins an entity of the label, (S,); -1: none."""
        begins: dict[int, list[int]] = {}
        for i in np.flatnonzero((self._label > 0) & ~self._is_inside).tolist():
            begins.setdefault(int(self._label[i]), []).append(i)
        twins = np.full(len(self), -1)
        for states in begins.values():
            if len(states) > 1:
                twins[states] = states[::-1]
        return twins

    def spans(self, tags: IntArray, lengths: IntArray) -> BatchSpans:
        """Read the entities off the rows of a batch.

        Args:
            tags: (B, T) states, anything behind the lengths.
            lengths: (B,).
        """
        return batch_spans(self._label[tags], self._is_inside[tags], lengths)

    def potentials(self, logits: FloatArray) -> FloatArray:
        """Return the log-potentials of the states.

        Args:
            logits: (B, T, K), of the checkpoint's tags in its order.

        Returns:
            (B, T, S) float32.
        """
        columns = [
            np.logaddexp.reduce(logits[..., list(state.tags)], axis=-1) for state in self._states
        ]
        return np.stack(columns, axis=-1).astype(np.float32, copy=False)


def read_tags(tags: Sequence[str]) -> SourceScheme:
    """Tell the scheme of a checkpoint's tags.

    Args:
        tags: In the order of the model's outputs. Prefixes such as `B-` or `b_`, suffixes such as `-B`, or
            labels alone. White space around them is ignored.

    Raises:
        ConfigError: No tag names a label, or two are the same.
    """
    read = source_tags([tag.strip() for tag in tags])
    named: dict[SourceTag, str] = {}
    for tag, text in zip(read, tags, strict=True):
        if tag.label and tag in named:
            raise ConfigError(
                f"the tags {named[tag]} and {text} mean the same: give each its own name"
            )
        named[tag] = text
    if not any(tag.label for tag in read):
        raise ConfigError(
            f"no tag names a label: {', '.join(map(repr, tags)) or 'there is none'}. Known are tags such as "
            "O, B-PER, I-PER (BIO, BIOES, BILOU, BMES) and labels without a prefix (IO)"
        )
    return SourceScheme(read)


def source_tags(tags: Sequence[str]) -> list[SourceTag]:
    """Tell prefixes and suffixes from labels that look like tags with one, such as `E-mail`.

    Prefixes and suffixes are read as such if one of them is B or I. Tags of which none is, as in a corpus whose
    entities are single tokens, have prefixes if all of them but O begin with a capital of one scheme and `-` or
    `_`, and one of the capitals is S, U or W: `U-PER` beside `L-PER`, but neither `E-mail` alone nor `S-Bahn`
    beside `U-Bahn`, which no scheme has.

    Args:
        tags: All different tags of a checkpoint or a corpus.

    Raises:
        ConfigError: A tag has a prefix and no label.
    """
    named = [tag for tag in tags if not is_outside(tag)]
    if {"I"} <= {tag.upper() for tag in named} <= set(_BEGINS + _CONTINUES):
        return [
            SourceTag(*("", "") if is_outside(tag) else (tag.upper(), _UNNAMED)) for tag in tags
        ]
    for pattern in (_PREFIXED, _SUFFIXED):
        found = [pattern.fullmatch(tag) for tag in named]
        sides = {match["side"].upper() for match in found if match}
        if pattern is _SUFFIXED and (None in found or not {"B", "I"} <= sides):
            continue
        if not sides & set("BI") and not (pattern is _PREFIXED and _are_of_one_scheme(found)):
            continue
        sure = {match["label"] for match in found if match and match["side"].upper() in "BI"}
        is_uniform = None not in found
        return [_tag(tag, pattern.fullmatch(tag), sure, is_uniform) for tag in tags]
    return [_tag(tag, None, set(), False) for tag in tags]


def source_spans(tags: Sequence[SourceTag]) -> list[Span]:
    """Read the entities off a sentence in any of the schemes.

    Args:
        tags: Of its tokens.

    Returns:
        Entities in order. A tag that continues nothing begins one, as in IOB1.
    """
    spans: list[Span] = []
    start, label, side = 0, "", ""
    for i, tag in enumerate([*tags, SourceTag("", "")]):
        is_first = tag.label != label or tag.side in _BEGINS_ALONE or side in _ENDS
        if label and is_first:
            spans.append(Span(start, i, label))
        if is_first:
            start, label = i, tag.label
        side = tag.side
    return spans


def _are_of_one_scheme(found: Sequence[re.Match[str] | None]) -> bool:
    """Return whether tags without B and I have the prefixes of a scheme, one for single tokens among them."""
    sides = {match["side"] if match else "" for match in found}
    return bool(sides & _ALONE) and any(sides <= scheme for scheme in _SCHEMES)


def _tag(text: str, found: re.Match[str] | None, sure: set[str], is_uniform: bool) -> SourceTag:
    """Return a tag as what its prefix says, if it has one.

    Args:
        text: The tag.
        found: Its side and its label, if it can be read so.
        sure: The labels that have a B or an I.
        is_uniform: Whether all tags can be read so.
    """
    if is_outside(text):
        return SourceTag("", "")
    if found and (is_uniform or found["label"] in sure):
        return SourceTag(found["side"].upper(), found["label"])
    if not text or (sure and _BARE.fullmatch(text) and not found):
        raise ConfigError(f"the tag {cut(text)!r} has no label: use tags such as O, B-PER, I-PER")
    return SourceTag("", text)


def is_outside(tag: str) -> bool:
    """Return whether a tag says that there is no entity: O, or what stands for special tokens."""
    return tag.upper() == OUTSIDE or _SPECIAL.fullmatch(tag) is not None


def has_side(tag: str) -> bool:
    """Return whether a tag looks like one with a prefix or a suffix."""
    return any(pattern.fullmatch(tag) for pattern in (_PREFIXED, _SUFFIXED))


def _states(labels: Sequence[str], tags: Sequence[SourceTag]) -> list[State]:
    outside = tuple(i for i, tag in enumerate(tags) if not tag.label)
    states = [State("", None, outside)]
    for label in labels:
        own = {i: tag.side for i, tag in enumerate(tags) if tag.label == label}
        begins = tuple(i for i, side in own.items() if side and side in _BEGINS)
        continues = tuple(i for i in own if i not in begins)
        states.append(State(label, "opening", tuple(own)))
        states.append(State(label, "adjacent", begins))
        states.append(State(label, "inside", continues))
    return states


def _bio_tag(state: State) -> str:
    if not state.label:
        return OUTSIDE
    return f"{'I' if state.place == 'inside' else 'B'}-{state.label}"
