"""Variants of sentences for training: other case; of tagged ones also other names and misspelt words.

Each variant of a tagged sentence keeps the tokens and tags in step. Which ones a sentence gets follows from a
random generator alone, so that a resumed run sees the same sentences as one that was not interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from seqserve.errors import ConfigError, DataError
from seqserve.text.tags import OUTSIDE, spans_of
from seqserve.training.data import TaggedSentence, read_lines

T = TypeVar("T")

_MIN_TYPO_LENGTH = 4  # shorter words become other words


# A word of plain text: letters, the first one in any case and the others small, with marks around.
_PLAIN = re.compile(r"[\"'“‘(]*([^\W\d_]+(?:['’-][^\W\d_]+)*)[\"'”’).,;:!?]*")


@dataclass(frozen=True)
class CaseConfig:
    """How often training sentences are written in another case.

    Args:
        lower: Share of training sentences in lower case.
        upper: Share of them in capitals.
        first: Share of them whose first letter has the other case.
    """

    lower: float = 0.0
    upper: float = 0.0
    first: float = 0.0

    def __post_init__(self) -> None:
        """Raises ConfigError: a share is not one."""
        for name in (one.name for one in fields(self) if one.type == "float"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"[text.augmentation] {name} is {getattr(self, name)}; allowed: 0 to 1"
                )
        if self.lower + self.upper > 1:
            raise ConfigError("[text.augmentation] lower and upper are more than 1 together")


def with_other_case(
    words: Sequence[str], config: CaseConfig, rng: np.random.Generator
) -> list[str]:
    """Return the words of a sentence, at least one, in the case that is drawn for it."""
    cased = list(words)
    case, first = rng.random(2)
    if first < config.first:
        cased[0] = cased[0][:1].swapcase() + cased[0][1:]
    if case < config.lower:
        return [word.lower() for word in cased]
    if case < config.lower + config.upper:
        return [word.upper() for word in cased]
    return cased


def vary_case(text: str, config: CaseConfig, rng: np.random.Generator) -> str:
    """Return a text whose plain words are in the case that is drawn for it.

    Code, names such as `TensorFlow` or `HTTP`, numbers and placeholders stay: a translation copies them.
    """
    words = text.split(" ")
    varied = with_other_case(words, config, rng)
    return " ".join(new if _is_plain(old) else old for old, new in zip(words, varied, strict=True))


def _is_plain(word: str) -> bool:
    match = _PLAIN.fullmatch(word)
    return match is not None and match[1][1:] == match[1][1:].lower()


@dataclass(frozen=True)
class NameList:
    """Names that take the place of entities of a label.

    Args:
        label: Of the entities.
        parts: Files below the data root per part of a name, one name a line, further columns after a tab:
            given names and family names, or only one part. `FILE:VALUE` takes the lines that have that
            value in a further column. An entity with fewer tokens than there are parts gets one part.
    """

    label: str
    parts: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        """Raises ConfigError: there is no part, or one without a file."""
        if not self.parts or not all(self.parts):
            raise ConfigError(f"the names of {self.label} have no file; name one per part")


@dataclass(frozen=True)
class AugmentationConfig(CaseConfig):
    """The `[text.augmentation]` table of an NER recipe.

    Args:
        names: Share of the entities with a list of names that are replaced by one of it.
        typos: Share of the words outside entities in which a letter is left out, doubled or swapped.
        lists: The names.
    """

    names: float = 0.0
    typos: float = 0.0
    lists: tuple[NameList, ...] = ()

    def __post_init__(self) -> None:
        """Raises ConfigError: a share is not one, or names are to be replaced without lists."""
        super().__post_init__()
        if self.names and not self.lists:
            raise ConfigError("[text.augmentation] names needs [[text.augmentation.lists]]")


class Augmentation:
    """Draws variants of sentences."""

    def __init__(self, config: AugmentationConfig, root: Path) -> None:
        """Read the lists of names.

        Args:
            config: Which variants, and how often.
            root: Where the data sets are.

        Raises:
            DataError: A list is missing or empty.
        """
        self._config = config
        self._names: Mapping[str, Sequence[Sequence[str]]] = {
            one.label: [_read_part(root, files) for files in one.parts] for one in config.lists
        }

    def __call__(self, sentence: TaggedSentence, rng: np.random.Generator) -> TaggedSentence:
        """Return a variant of a sentence, often the sentence itself."""
        config = self._config
        if config.names:
            sentence = self._with_other_names(sentence, rng)
        tokens = list(sentence.tokens)
        if config.typos:
            for i in np.flatnonzero(rng.random(len(tokens)) < config.typos):
                if sentence.tags[i] == OUTSIDE:
                    tokens[i] = misspell(tokens[i], rng)
        tokens = with_other_case(tokens, config, rng)
        return TaggedSentence(tuple(tokens), sentence.tags)

    def _with_other_names(
        self, sentence: TaggedSentence, rng: np.random.Generator
    ) -> TaggedSentence:
        """Return a sentence in which some entities have other names of their label."""
        tokens: list[str] = []
        tags: list[str] = []
        end = 0
        for span in spans_of(sentence.tags):
            parts = self._names.get(span.label)
            if parts is None or rng.random() >= self._config.names:
                continue
            name = _draw(parts, span.end - span.start, rng)
            tokens += [*sentence.tokens[end : span.start], *name]
            tags += [*sentence.tags[end : span.start], f"B-{span.label}"]
            tags += [f"I-{span.label}"] * (len(name) - 1)
            end = span.end
        tokens += sentence.tokens[end:]
        tags += sentence.tags[end:]
        return TaggedSentence(tuple(tokens), tuple(tags))


def _draw(parts: Sequence[Sequence[str]], n_tokens: int, rng: np.random.Generator) -> list[str]:
    """Return the tokens of a name: of all parts, or of one if the entity has fewer tokens than that."""
    used = parts if n_tokens >= len(parts) else [_one_of(parts, rng)]
    return [token for part in used for token in _one_of(part, rng).split()]


def _one_of(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


def misspell(word: str, rng: np.random.Generator) -> str:
    """Return a word with one letter left out, doubled or swapped with the next; short words stay."""
    if len(word) < _MIN_TYPO_LENGTH or not word.isalpha():
        return word
    i = int(rng.integers(1, len(word) - 1))
    kind = rng.integers(3)
    if kind == 0:
        return word[:i] + word[i + 1 :]
    if kind == 1:
        return word[: i + 1] + word[i:]
    return word[:i] + word[i + 1] + word[i] + word[i + 2 :]


def _read_part(root: Path, files: Sequence[str]) -> list[str]:
    """Return the names of some files, each once.

    Raises:
        DataError: A file is missing, or there is no name in it.
    """
    names: dict[str, None] = {}
    for file in files:
        path, _, wanted = file.partition(":")
        rows = [line.split("\t") for line in read_lines(root, "", path.removesuffix(".xz"))]
        found = [row[0].strip() for row in rows if not wanted or wanted in row[1:]]
        if not any(found):
            raise DataError(f"{file} holds no name; check the file and the value behind the colon")
        names |= dict.fromkeys(name for name in found if name)
    return list(names)
