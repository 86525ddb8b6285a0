"""Reading labelled data: plain or xz-compressed UTF-8, one folder a set.

| task | files of a set | line |
|---|---|---|
| ner | `<split>.conll[.xz]` | `token<TAB>tag` (BIO2), a blank line ends a sentence, `# …` is a comment |
| sentiment | `<split>.jsonl[.xz]` | `{"text": str, "label": int}` |
| translation | `<split>.<language>[.xz]` | one segment; line n of both files is one pair |
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from seqserve.errors import DataError
from seqserve.records import NEUTRAL
from seqserve.tasks import TASKS, Task
from seqserve.training.corpora import join_signs
from seqserve.training.recipe import DataSet

THREE_CLASSES: Mapping[int | str, int] = {0: 0, NEUTRAL: 1, 1: 2}
"""The labels of a calibration set of a classifier with two labels -> negative, neutral, positive."""
Split = Literal["train", "dev", "test"]
Example = TypeVar("Example")


@dataclass(frozen=True)
class TaggedSentence:
    """Tokens and their BIO2 tags, equally many."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class LabelledText:
    """A text and the index of its label."""

    text: str
    label: int


@dataclass(frozen=True)
class SegmentPair:
    """A source segment and its translation."""

    source: str
    target: str


def read_lines(root: Path, dataset: str, filename: str) -> list[str]:
    """Return the lines of `root/dataset/filename`, or of the same with `.xz` behind.

    A byte order mark and the carriage returns of Windows' line ends are no part of the lines.

    Raises:
        DataError: Neither file is there, or it is not xz or UTF-8.
    """
    plain = root / dataset / filename
    packed = plain.with_name(plain.name + ".xz")
    try:
        is_packed = packed.exists()
        raw = lzma.decompress(packed.read_bytes()) if is_packed else plain.read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"neither {plain} nor {packed} exists; is the data root right?") from error
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise DataError(f"{plain} (or .xz): {error}") from error
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line.removesuffix("\r") for line in lines]


def read_tagged(root: Path, dataset: DataSet, split: Split) -> list[TaggedSentence]:
    """Read the sentences of an NER set.

    Raises:
        DataError: A line is not a token, a tab and a tag, or there is none; names the line.
    """
    sentences, tokens, tags = [], [], []
    stem = _stem(dataset, split)
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
    return _not_empty(sentences, dataset, stem)


def _as_read(tokens: Sequence[str], tags: Sequence[str], dataset: DataSet) -> TaggedSentence:
    """Return a sentence as the recipe wants it read."""
    if dataset.joins:
        tokens, tags = join_signs(tokens, tags, dataset.joins)
    if dataset.lower:
        tokens = [token.lower() for token in tokens]
    return TaggedSentence(tuple(tokens), tuple(tags))


def read_unlabelled(root: Path, file: str) -> list[str]:
    """Read texts without labels: a `.jsonl` file of objects with a `text`, else one text a line.

    Args:
        root: Where the data sets are.
        file: Path below it; `.xz` may be left out.

    Raises:
        DataError: A line of a `.jsonl` file is not an object with a string `text`.
    """
    name = file.removesuffix(".xz")
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


def read_labelled(
    root: Path, dataset: DataSet, split: Split, labels: Mapping[int | str, int] | None = None
) -> list[LabelledText]:
    """Read the texts of a sentiment set.

    Args:
        root: Where the data sets are.
        dataset: The set.
        split: Which files.
        labels: The label of the result for every label of the file; None: the file's integers.

    Raises:
        DataError: A line is not an object with a string `text` and an integer `label`, or one of `labels`, or
            there is none.
    """
    texts = []
    stem = _stem(dataset, split)
    for number, line in enumerate(read_lines(root, dataset.path, f"{stem}.jsonl"), 1):
        try:
            record = json.loads(line)
            text, label = record["text"], record["label"]
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise DataError(f"{dataset.path} {stem}, line {number}: {error!r}") from error
        if labels is not None:
            label = labels.get(label) if type(label) in (int, str) else None
        if not isinstance(text, str) or type(label) is not int:
            known = f" or one of {', '.join(map(str, labels))}" if labels else ""
            raise DataError(
                f"{dataset.path} {stem}, line {number}: wants a string as text and an integer label{known}, "
                "which is the place in the recipe's labels, 0 for the first"
            )
        texts.append(LabelledText(text, label))
    return _not_empty(texts, dataset, stem)


def read_pairs(
    root: Path, dataset: DataSet, split: Split, languages: Sequence[str]
) -> list[SegmentPair]:
    """Read the pairs of a translation set; `dataset.skip` applies to the train split.

    Raises:
        DataError: The two sides have different numbers of lines, or none.
    """
    stem = _stem(dataset, split)
    sides = [read_lines(root, dataset.path, f"{stem}.{language}") for language in languages]
    if len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{dataset.path} {stem}: {len(sides[0])} {languages[0]} lines, "
            f"{len(sides[1])} {languages[1]} lines"
        )
    pairs = [SegmentPair(source, target) for source, target in zip(*sides, strict=True)]
    if split == "train" and dataset.skip:
        del pairs[slice(*dataset.skip)]
    return _not_empty(pairs, dataset, stem)


def _stem(dataset: DataSet, split: Split) -> str:
    """Return the name of a split's files without their endings."""
    return dataset.split or split


def _not_empty(examples: list[Example], dataset: DataSet, stem: str) -> list[Example]:
    """Raises DataError: there is no example at all."""
    if not examples:
        raise DataError(f"{dataset.path} {stem} holds no examples")
    return examples


_READERS: dict[str, Callable[[Path, DataSet, Split], Sequence[object]]] = {
    "conll": read_tagged,
    "jsonl": read_labelled,
}
"""By the suffix of the files."""


def count_examples(
    root: Path, dataset: DataSet, split: Split, task: Task, languages: Sequence[str]
) -> int:
    """Return how many sentences, texts or pairs a split holds."""
    read = _READERS.get(TASKS[task].data_suffix)
    if read is None:
        return len(read_pairs(root, dataset, split, languages))
    return len(read(root, dataset, split))


def count_calibration(root: Path, dataset: DataSet, task: Task) -> int:
    """Return how many sentences or texts a calibration set holds."""
    if TASKS[task].data_suffix == "jsonl":
        return len(read_labelled(root, dataset, "dev", THREE_CLASSES))
    return len(_READERS[TASKS[task].data_suffix](root, dataset, "dev"))
