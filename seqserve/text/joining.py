"""Translated segments, joined to a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from seqserve.text.scripts import is_ideographic
from seqserve.text.segments import Segment


@dataclass(frozen=True)
class JoinedText:
    """A text put together again.

    Args:
        text: The text.
        spans: Where each translation stands in it: first code point, one past the last.
    """

    text: str
    spans: tuple[tuple[int, int], ...]


def join_segments(
    segments: Sequence[Segment], translations: Sequence[str], target: str
) -> JoinedText:
    """Put a text together again.

    Between two translations the white space becomes what the target language wants; all other white
    space stays as it was.

    Args:
        segments: The result of `segments_of`.
        translations: One string per translatable segment, in order.
        target: Language of the translations; some put no space between sentences.
    """
    remaining = iter(translations)
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    length = 0  # of the parts
    gap: str | None = None  # white space since the last translation, None: something else came
    for segment in segments:
        if segment.is_gap and gap is not None:
            gap += segment.text
            continue
        if segment.is_translatable:
            is_joined = gap is not None and not segment.is_foreign
            parts.append(between(gap or "", target) if is_joined else gap or "")
            parts.append(next(remaining))
            start = length + len(parts[-2])
            spans.append((start, start + len(parts[-1])))
            gap = None if segment.is_foreign else ""
        else:
            parts += [gap or "", segment.text]
            gap = None
        length += len(parts[-2]) + len(parts[-1])
    return JoinedText("".join([*parts, gap or ""]), tuple(spans))


def source_spans(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """Return where each translatable segment stands in its text."""
    ends = list(accumulate(len(segment.text) for segment in segments))
    return [
        (end - len(segment.text), end)
        for segment, end in zip(segments, ends, strict=True)
        if segment.is_translatable
    ]


def between(gap: str, target: str) -> str:
    """Return what stands between two sentences of a line."""
    return "" if is_ideographic(target) else gap or " "
