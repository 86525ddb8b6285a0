"""Verify that what the pages mention exists: make targets, commands, options, settings, files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from seqserve.cli.main import app
from service.settings import PREFIX, Settings
from tests.docs.pages import PAGES, ROOT, code_of, name_of

# The changelog mentions what no longer exists.
CURRENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
COMPOSE = (ROOT / "docker-compose.yml").read_text() + (ROOT / ".ci/stack").read_text()
OTHERS = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", COMPOSE)) | {f"{PREFIX}WITHOUT_ENGINE"}
SETTINGS = {PREFIX + name.upper() for name in (*Settings.model_fields, "host", "port")}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def make_faults(line: str) -> Iterator[str]:
    """Yield the unknown make targets in a line of code."""
    for name in re.findall(r"(?:^|[\s|;&(])make ([a-z][a-z-]*)", line):
        if name not in targets():
            yield f"make {name}"


def command_faults(line: str) -> Iterator[str]:
    """Yield the unknown subcommands and options of seqserve in a line of code."""
    before = r"(?:^|[|;&(]\s*|\bexec |[A-Z_]+=\S+ +|bin/)"
    for words in re.findall(rf"{before}seqserve((?: +[^\s|;&#]+)+)", line):
        command: Any = typer.main.get_command(app)
        name = "seqserve"
        for word in words.split():
            if hasattr(command, "commands") and re.fullmatch(r"[a-z][a-z0-9-]*", word):
                if word not in command.commands:
                    yield f"{name} {word}"
                    break
                command, name = command.commands[word], f"{name} {word}"
            elif option := re.match(r"--[a-z][a-z0-9-]*", word):
                known = {one for parameter in command.params for one in parameter.opts}
                if option[0] not in known | {"--help"}:
                    yield f"{name} {option[0]}"


def setting_faults(line: str) -> Iterator[str]:
    """Yield the environment variables in a line that are not settings."""
    for name in re.findall(rf"\b{PREFIX}[A-Z][A-Z0-9_]*\b(?!…)", line):
        if name not in SETTINGS | OTHERS:
            yield name


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_what_a_page_names_is_there(page: Path) -> None:
    faults = []
    for line in code_of(page):
        faults += [*make_faults(line), *command_faults(line), *setting_faults(line)]
    assert faults == []


@pytest.mark.parametrize("page", CURRENT, ids=name_of)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    tops = {path.name for path in ROOT.iterdir()} - {"runs", "reports", "build", "data"}
    lost = []
    for line in code_of(page):
        for name in re.findall(r"(?:^|[\s\"'(=@])((?:[\w.-]+/)+[\w.-]+\.[a-z]+)\b", line):
            places = [ROOT / name, page.parent / name, ROOT / "seqserve" / name]
            if name.split("/")[0] in tops and not any(place.exists() for place in places):
                lost.append(name)
    assert lost == []


FAULTS = {
    "make serve PORT=8080 && make fly": ["make fly"],
    "seqserve train x.toml --data d --max-steps 9": [],
    "seqserve train x.toml --fast": ["seqserve train --fast"],
    "seqserve fly": ["seqserve fly"],
    "seqserve keys new NAME --limit 5 >> keys": [],
    "seqserve keys old NAME": ["seqserve keys old"],
    "SEQSERVE_TASKS=ner seqserve serve --port=3001": [],
    "SEQSERVE_COLOUR=blue seqserve serve": ["SEQSERVE_COLOUR"],
    "SEQSERVE_…_TIMEOUT_MS": [],
    "SEQSERVE_…_MAX_CHARS": [],
    "kubectl --namespace seqserve --fast": [],
    "cd x && .venv/bin/seqserve fly": ["seqserve fly"],
}


@pytest.mark.parametrize(("line", "faults"), FAULTS.items())
def test_a_wrong_name_is_found(line: str, faults: list[str]) -> None:
    assert [*make_faults(line), *command_faults(line), *setting_faults(line)] == faults
