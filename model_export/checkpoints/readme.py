"""What the README.md of a checkpoint says in its front matter: licence and languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.directory import README
from seqserve.text.languages import MANY_LANGUAGES, language_tag

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_MAX_CHARACTERS = 100_000
_MANY = {"multilingual", MANY_LANGUAGES}


@dataclass(frozen=True)
class Readme:
    """The front matter; what it lacks or spells otherwise is empty.

    Args:
        licence: SPDX identifier in lower case, as the hub has it, or the name of other terms.
        languages: BCP 47 codes; `mul` of a model of many.
    """

    licence: str = ""
    languages: tuple[str, ...] = ()


def read_readme(checkpoint: Checkpoint) -> Readme:
    """Read the front matter, if there is any; one that is malformed counts as missing."""
    if not checkpoint.has(README):
        return Readme()
    text = checkpoint.read(README).decode("utf-8", "replace")
    found = _FRONT_MATTER.match(text[:_MAX_CHARACTERS])
    if found is None:
        return Readme()
    try:
        fields = yaml.safe_load(found[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return Readme()
    if not isinstance(fields, dict):
        return Readme()
    return Readme(_licence(fields), _languages(fields.get("language")))


def _licence(fields: Mapping[Any, Any]) -> str:
    licence = _first_line(fields.get("license"))
    if licence == "other":
        return _first_line(fields.get("license_name")) or "other"
    return licence


def _first_line(value: Any) -> str:
    """Return a string of the front matter, or of a list its strings with commas, on one short line."""
    values = value if isinstance(value, list) else [value]
    line = ", ".join(" ".join(one.split()) for one in values if isinstance(one, str))
    return line[:200]


def _languages(value: Any) -> tuple[str, ...]:
    """Return the codes of a language or of a list; YAML reads `no`, Norwegian, as false."""
    values = value if isinstance(value, list) else [value]
    named = ["no" if one is False else one for one in values]
    names = [one.strip() for one in named if isinstance(one, str)]
    tags = [tag for name in names if (tag := language_tag(name))]
    if not tags and _MANY.intersection(names):
        return (MANY_LANGUAGES,)
    return tuple(dict.fromkeys(tags))
