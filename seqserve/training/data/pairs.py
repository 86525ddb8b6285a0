"""Segments and their translations: line n of two files is one pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqserve.errors import DataError
from seqserve.training.data.files import Split, evenly_spaced, not_empty, read_lines, stem_of
from seqserve.training.recipe_data import DataSet


@dataclass(frozen=True)
class SegmentPair:
    """A source segment and its translation."""

    source: str
    target: str


def read_pairs(
    root: Path, dataset: DataSet, split: Split, languages: Sequence[str]
) -> list[SegmentPair]:
    """Read the pairs of a translation set; `dataset.skip` applies to the train split, `limit` to what is left.

    Raises:
        DataError: The two sides have different numbers of lines, or none.
    """
    stem = stem_of(dataset, split)
    sides = [read_lines(root, dataset.path, f"{stem}.{language}") for language in languages]
    if len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{dataset.path} {stem}: {len(sides[0])} {languages[0]} lines, "
            f"{len(sides[1])} {languages[1]} lines"
        )
    pairs = [SegmentPair(source, target) for source, target in zip(*sides, strict=True)]
    if split == "train" and dataset.skip:
        del pairs[slice(*dataset.skip)]
    return not_empty(evenly_spaced(pairs, dataset.limit), dataset, stem)
