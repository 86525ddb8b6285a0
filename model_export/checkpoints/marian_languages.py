"""Which languages a Marian checkpoint translates: from the options, its files, its name and its vocabulary.

A vocabulary with language codes such as `>>fra<<` belongs to a model that writes several languages, or several
kinds of one: the code precedes the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.directory import checkpoint_name
from seqserve.errors import CheckpointError
from seqserve.quoting import cut
from seqserve.text.joint_pieces import LANGUAGE_CODE
from seqserve.text.languages import MANY_LANGUAGES, language_tag

_README_LINE = re.compile(
    r"^\W*(source|target) languages?(?:\(s\))?\W*:(.*)$", re.IGNORECASE | re.MULTILINE
)
_NAME = re.compile(r"opus[-_]?mt(?:[-_].+)?-([A-Za-z_]+)-([A-Za-z_]+)$")
_SIDES = ("source", "target")


@dataclass(frozen=True)
class Directions:
    """What a checkpoint translates.

    Args:
        pairs: (source, target) as BCP 47 codes, at least one.
        prefixes: The id that selects a target language, by its tag; empty: there is nothing to select.
    """

    pairs: tuple[tuple[str, str], ...]
    prefixes: dict[str, int] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """Source and target of a single pair, else every language once."""
        return tuple(dict.fromkeys(tag for pair in self.pairs for tag in pair))


def directions_of(
    checkpoint: Checkpoint, vocabulary: Mapping[str, int], languages: Sequence[str]
) -> Directions:
    """Return what a checkpoint translates.

    Args:
        checkpoint: The checkpoint.
        vocabulary: Piece -> id.
        languages: Those that the user names. Without language codes in the vocabulary: sources, and the target
            last. With them: the source, and the targets if they are not all to be served.

    Raises:
        CheckpointError: The languages are not known, or the vocabulary lacks one that is named.
    """
    codes = _codes_of(vocabulary)
    named = [_checked(code) for code in languages]
    if codes:
        sources = named[:1] or _told(checkpoint, "source")
        targets = _selected(codes, named[1:], checkpoint)
    else:
        if len(named) == 1:
            raise _unknown(checkpoint, "the target language is", "SOURCE,TARGET", "en,de")
        sources = named[:-1] or _told(checkpoint, "source")
        targets = named[-1:] or _told(checkpoint, "target")
    if not sources:
        what = "SOURCE" if codes else "SOURCE,TARGET"
        raise _unknown(checkpoint, "the source language is", what, "en" if codes else "en,de")
    if len(targets) != 1 and not codes:
        raise _unknown(checkpoint, "the target language is", "SOURCE,TARGET", "en,de")
    pairs = tuple((s, t) for s, t in product(sources, targets) if s != t)
    if not pairs:
        raise CheckpointError(f"{checkpoint.path}: the source and the target are both {sources[0]}")
    return Directions(pairs, {tag: codes[tag] for _, tag in pairs} if codes else {})


def _unknown(checkpoint: Checkpoint, what: str, form: str, example: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: {what} not known: pass --languages {form}, for example --languages {example}"
    )


def _checked(code: str) -> str:
    if code == MANY_LANGUAGES:
        raise CheckpointError(
            f"--languages: {code} names no language, and a translator is asked for pairs of languages: "
            "name its sources and its target, as in --languages it,es,en; if the vocabulary has codes of "
            "targets, the source is enough"
        )
    tag = language_tag(code)
    if tag is None:
        raise CheckpointError(
            f"--languages: {cut(code)!r} is no code of a language (BCP 47, ISO 639-3)"
        )
    return tag


def _codes_of(vocabulary: Mapping[str, int]) -> dict[str, int]:
    """Return the ids of the language codes by tag; of two for one tag, the longer code's."""
    found: dict[str, int] = {}
    codes = [
        (piece, number) for piece, number in vocabulary.items() if LANGUAGE_CODE.fullmatch(piece)
    ]
    for piece, number in sorted(codes, key=lambda code: (-len(code[0]), code[1])):
        tag = language_tag(piece[2:-2])
        if tag is not None:
            found.setdefault(tag, number)
    return dict(sorted(found.items()))


def _selected(
    codes: Mapping[str, int], wanted: Sequence[str], checkpoint: Checkpoint
) -> Sequence[str]:
    for tag in wanted:
        if tag not in codes:
            raise CheckpointError(
                f"{checkpoint.path}: the vocabulary has no code of {tag}; it has those of: {', '.join(codes)}"
            )
    return wanted or tuple(codes)


def _told(checkpoint: Checkpoint, side: str) -> list[str]:
    """Return the languages of a side from the first place that names any."""
    for codes in _places(checkpoint, side):
        tags = [tag for code in codes if (tag := language_tag(code))]
        if tags:
            return list(dict.fromkeys(tags))
    return []


def _places(checkpoint: Checkpoint, side: str) -> Iterator[Sequence[str]]:
    """Yield the codes of a side; those of groups of languages are no tags."""
    setting = checkpoint.tokenizer_config.get(f"{side}_lang")
    if isinstance(setting, str):
        yield _split(setting)
    for name in (checkpoint.config.get("_name_or_path"), checkpoint_name(checkpoint.path)):
        if isinstance(name, str) and (match := _NAME.search(name)):
            yield _split(match[1 + _SIDES.index(side)])
    if checkpoint.has("README.md"):
        for line in _README_LINE.finditer(checkpoint.read("README.md").decode(errors="replace")):
            if line[1].lower() == side:
                yield re.split(r"[\s,]+", line[2].strip())


def _split(codes: str) -> list[str]:
    """Return the codes of a part of a name: `zh_Hant` is one, `ces_slk` are two."""
    return [codes] if language_tag(codes) else codes.split("_")
