"""Glossaries of a translation: those of requests are checked, those of the server are read from files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seqserve.errors import DataError, InputError, UnavailableError
from seqserve.records import MAX_TERMS
from seqserve.text.glossary import Glossary, read_terms
from seqserve.text.visible import is_blank

MAX_TERM_CHARS = 200
"""Of a request, as `MAX_TERMS`; the glossaries of the server may be of any size."""

_NAME = re.compile(r"[\w-][\w.-]{0,63}")
_SUFFIX = ".json"


@dataclass(frozen=True)
class _File:
    """A glossary as it was read, and the state of its file at that time."""

    glossary: Glossary
    terms: Mapping[str, str]
    stamp: tuple[int, int]


@dataclass(frozen=True)
class NamedGlossary:
    """A glossary of the server.

    Args:
        terms: Term -> target.
        changed: When its file was written last, in seconds since 1970.
    """

    terms: Mapping[str, str]
    changed: float


class GlossaryFiles:
    """The glossaries of a directory.

    Args:
        directory: Where they are.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[tuple[str, str], _File] = {}

    def find(self, name: str, text: str, language: str) -> dict[str, str]:
        """Return those terms of a glossary that a text has.

        Args:
            name: Of the glossary.
            text: The text to translate.
            language: Of the text.

        Raises:
            InputError: There is no glossary of this name.
            UnavailableError: Its file is damaged.
        """
        return self._read(name, language).glossary.select(text)

    def describe(self, name: str, language: str) -> NamedGlossary:
        """Return a glossary.

        Args:
            name: Of the glossary.
            language: Of its terms.

        Raises:
            InputError, UnavailableError: As for `find`.
        """
        found = self._read(name, language)
        return NamedGlossary(found.terms, found.stamp[0] / 1e9)

    def names(self) -> list[str]:
        """Return the names of all glossaries."""
        return sorted(path.stem for path in self._directory.glob(f"*{_SUFFIX}"))

    def _read(self, name: str, language: str) -> _File:
        path = self._directory / f"{name}{_SUFFIX}"
        try:
            if not _NAME.fullmatch(name):
                raise FileNotFoundError
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            known = self._files.get((name, language))
            if known is None or known.stamp != stamp:
                terms = read_terms(path)
                known = _File(Glossary(terms, language), terms, stamp)
                self._files[name, language] = known
            return known
        except FileNotFoundError:
            available = ", ".join(self.names()) or "none"
            raise InputError(
                f"glossary: there is none of this name. Available: {available}."
            ) from None
        except DataError as error:
            raise UnavailableError(f"The glossary {name} cannot be used: {error}.") from None


@cache
def glossary_files(directory: Path) -> GlossaryFiles:
    """Return the glossaries of a directory, which are read once in a process."""
    return GlossaryFiles(directory)


def check_terms(name: str, terms: Mapping[str, str]) -> None:
    """Refuse terms of a request that are blank, too long or too many.

    Args:
        name: Of the field.
        terms: Term -> target.

    Raises:
        InputError: They are.
    """
    if len(terms) > MAX_TERMS:
        raise InputError(f"{name}: has {len(terms)} terms; at most {MAX_TERMS} are allowed.")
    for index, (term, target) in enumerate(terms.items()):
        if is_blank(term):
            raise InputError(f"{name}: term {index} is blank: it has no visible character.")
        if max(len(term), len(target)) > MAX_TERM_CHARS:
            raise InputError(
                f"{name}: term {index} or its target is longer than {MAX_TERM_CHARS} characters."
            )
