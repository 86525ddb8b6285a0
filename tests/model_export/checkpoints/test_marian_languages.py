"""The languages of a Marian checkpoint: options, files, names and language codes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from model_export.checkpoints.base import Checkpoint
from model_export.checkpoints.marian_languages import directions_of
from seqserve.errors import CheckpointError

PLAIN = {"a": 0, ">>": 1}
CODES = {"a": 0, ">>fra<<": 1, ">>deu<<": 2}
CHINESE = {">>cmn<<": 0, ">>cmn_Hans<<": 1, ">>cmn_Hant<<": 2, ">>zhx<<": 3, ">>xx-not-a-code<<": 4}


def checkpoint(
    folder: Path, name: str, config: Any = None, tokenizer: Any = None, readme: str = ""
) -> Checkpoint:
    path = folder / name
    path.mkdir()
    (path / "README.md").write_text(readme)
    sha256 = hashlib.sha256(readme.encode()).hexdigest()
    return Checkpoint(path, config or {}, tokenizer or {}, {}, {"README.md": sha256})


README = """---
language: [en, fr]
---
* source language(s): {source}
* target language(s): {target}
* valid target language labels:
"""
KNOWN: dict[str, tuple[dict[str, Any], dict[str, int], tuple[str, ...], list[tuple[str, str]]]] = {
    "directory": ({"name": "opus-mt-en-de"}, PLAIN, (), [("en", "de")]),
    "big": ({"name": "opus-mt-tc-big-fr-en"}, PLAIN, (), [("fr", "en")]),
    "three letters": ({"name": "opus-mt-tc-base-uk-ces_slk"}, CODES, ("uk",), [("uk", "de"), ("uk", "fr")]),
    "script": ({"name": "opus-mt-en-zh_Hant"}, PLAIN, (), [("en", "zh-Hant")]),
    "config": ({"config": {"_name_or_path": "Helsinki-NLP/opus-mt-fi-sv"}}, PLAIN, (), [("fi", "sv")]),
    "tokenizer": ({"tokenizer": {"source_lang": "en", "target_lang": "mg"}}, PLAIN, (), [("en", "mg")]),
    "readme": ({"readme": README.format(source="fra", target="eng")}, PLAIN, (), [("fr", "en")]),
    "option": ({"name": "opus-mt-en-de"}, PLAIN, ("EN", "nld"), [("en", "nl")]),
    "several sources": (
        {"name": "opus-mt-itc-en", "readme": README.format(source="ita spa, cat", target="eng")},
        PLAIN,
        (),
        [("it", "en"), ("es", "en"), ("ca", "en")],
    ),
    "sources by option": ({}, PLAIN, ("it", "es", "en"), [("it", "en"), ("es", "en")]),
    "codes": ({"name": "opus-mt-en-mul"}, CODES, (), [("en", "de"), ("en", "fr")]),
    "some codes": ({"name": "opus-mt-en-mul"}, CODES, ("en", "fra"), [("en", "fr")]),
    "to itself": ({"name": "opus-mt-de-mul"}, CODES, (), [("de", "fr")]),
    "scripts": ({"name": "opus-mt-en-zh"}, CHINESE, (), [("en", "zh"), ("en", "zh-Hant")]),
}  # fmt: skip


@pytest.mark.parametrize(("files", "vocabulary", "options", "pairs"), KNOWN.values(), ids=KNOWN)
def test_the_pairs_are_known(
    tmp_path: Path,
    files: dict[str, Any],
    vocabulary: dict[str, int],
    options: tuple[str, ...],
    pairs: list[tuple[str, str]],
) -> None:
    found = directions_of(checkpoint(tmp_path, **{"name": "model", **files}), vocabulary, options)
    assert list(found.pairs) == pairs
    assert {*found.languages} == {tag for pair in pairs for tag in pair}
    if vocabulary is PLAIN:
        assert found.prefixes == {}


def test_a_target_has_the_id_of_its_most_specific_code(tmp_path: Path) -> None:
    found = directions_of(checkpoint(tmp_path, "opus-mt-en-zh"), CHINESE, ())
    assert found.prefixes == {"zh": 1, "zh-Hant": 2}


UNKNOWN: dict[str, tuple[dict[str, Any], dict[str, int], tuple[str, ...], str]] = {
    "nothing": ({}, PLAIN, (), "source language is not known: pass --languages SOURCE,TARGET"),
    "groups": ({"name": "opus-mt-gmq-ROMANCE"}, PLAIN, (), "pass --languages SOURCE,TARGET"),
    "a group of targets": ({"name": "opus-mt-en-ROMANCE"}, PLAIN, (), "the target language is not"),
    "two targets": ({"name": "opus-mt-uk-ces_slk"}, PLAIN, (), "the target language is not known"),
    "one language": ({}, PLAIN, ("en",), "target language is not known: pass --languages SOURCE,"),
    "codes alone": ({}, CODES, (), "pass --languages SOURCE, for example --languages en$"),
    "no code": ({}, CODES, ("en", "es"), "no code of es; it has those of: de, fr"),
    "no language": ({}, PLAIN, ("en", "klingonese"), "'klingonese' is no code of a language"),
    "many": ({}, PLAIN, ("mul",), "mul names no language, and a translator is asked for pairs"),
    "many sources": ({}, PLAIN, ("mul", "en"), "mul names no language"),
    "many targets": ({}, CODES, ("en", "mul"), "codes of targets, the source is enough"),
    "the same": ({}, PLAIN, ("en", "eng"), "the source and the target are both en"),
}


@pytest.mark.parametrize(
    ("files", "vocabulary", "options", "message"), UNKNOWN.values(), ids=UNKNOWN
)
def test_unknown_languages_are_refused(
    tmp_path: Path,
    files: dict[str, Any],
    vocabulary: dict[str, int],
    options: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(CheckpointError, match=message):
        directions_of(checkpoint(tmp_path, **{"name": "model", **files}), vocabulary, options)
