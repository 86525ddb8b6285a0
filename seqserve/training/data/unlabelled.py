"""Texts without labels, and word vectors: what embeddings and vocabularies start from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seqserve.errors import DataError
from seqserve.training.data.files import read_lines
from seqserve.training.data.tagged import read_tagged
from seqserve.training.recipe_data import DataSet


def read_unlabelled(root: Path, file: str) -> list[str]:
    """Read texts without their labels: `.jsonl` objects with a `text`, `.conll` sentences, else lines.

    Args:
        root: Where the data sets are.
        file: Path below it; `.xz` may be left out.

    Raises:
        DataError: A line of a `.jsonl` file is not an object with a string `text`, or see `read_tagged`.
    """
    name = file.removesuffix(".xz")
    if name.endswith(".conll"):
        path = Path(name)
        sentences = read_tagged(root, DataSet(str(path.parent), "", split=path.stem), "train")
        return [" ".join(sentence.tokens) for sentence in sentences]
    lines = read_lines(root, "", name)
    if not name.endswith(".jsonl"):
        return lines
    texts = []
    for number, line in enumerate(lines, 1):
        try:
            text = json.loads(line)["text"]
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise DataError(f"{file}, line {number}: {error!r}") from error
        if not isinstance(text, str):
            raise DataError(f"{file}, line {number}: text is no string")
        texts.append(text)
    return texts


def read_vectors(
    root: Path, file: str, is_wanted: Callable[[str], bool] = bool
) -> Iterator[tuple[int, str, list[float]]]:
    """Read word vectors: a word and its numbers a line, with or without a first line of two counts.

    Args:
        root: Where the data sets are.
        file: Path below it; `.xz` may be left out.
        is_wanted: Whether a word's line is to be read; asked in the order of the file.

    Yields:
        Number of the line, word, (D,) numbers; D is that of the first line that is read.

    Raises:
        DataError: A line that is read is not a word and as many numbers as the first one.
    """
    width = 0
    for number, line in enumerate(read_lines(root, "", file.removesuffix(".xz")), 1):
        word, *values = line.rstrip().split(" ")
        is_header = number == 1 and len(values) == 1 and word.isdigit()
        if is_header or not is_wanted(word):
            continue
        width = width or len(values)
        if not width or len(values) != width:
            raise DataError(f"{file}, line {number}: {len(values)} numbers; the first has {width}")
        try:
            numbers = [float(value) for value in values]
        except ValueError as error:
            raise DataError(f"{file}, line {number}: {error}") from error
        yield number, word, numbers


@dataclass(frozen=True)
class TrainingTexts:
    """All texts that a model may learn words from; the unlabelled ones are read again at every pass.

    Args:
        labelled: Texts of the training sets; they come first.
        root: Where the data sets are.
        files: Unlabelled texts, as `read_unlabelled` takes them.
    """

    labelled: Sequence[str]
    root: Path
    files: Sequence[str]

    def __iter__(self) -> Iterator[str]:
        """Begin a pass."""
        yield from self.labelled
        for file in self.files:
            yield from read_unlabelled(self.root, file)
