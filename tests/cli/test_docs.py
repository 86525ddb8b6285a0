"""docs/cli.md names every command, every option of predict, and the exit codes of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from typer.main import get_command

from seqserve.bulk import readers, rows
from seqserve.cli import reporting
from seqserve.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("Answers go to")[0]


def commands(group: Any, before: str = "") -> Iterator[str]:
    """Yield the commands of a group, and each command with each of its actions."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"
            yield from (f"{before}{name} {action}" for action in actions(command))


def actions(command: Any) -> tuple[str, ...]:
    """Return the choices of a first argument that may be left out: what else the command does."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if not arguments or arguments[0].required or arguments[0].default is not None:
        return ()
    annotation = arguments[0].type_descriptor.annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


COMMANDS = list(commands(get_command(app)))


def named() -> set[str]:
    """Return the commands of the table, without the arguments in capitals."""
    rows = [line.split("|")[1] for line in TABLE.splitlines() if "|" in line]
    cells = {word for cell in rows for word in re.findall("`([^`]+)`", cell)}
    return {re.sub(" [A-Z]+", "", cell) for cell in cells}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_table(command: str) -> None:
    assert command in named()


def test_the_table_names_nothing_else() -> None:
    assert named() == set(COMMANDS)


@pytest.mark.parametrize("name", ["REJECTED", "INTERRUPTED", "TERMINATED", "UNREAD"])
def test_exit_codes(name: str) -> None:
    codes = PAGE.partition("## Exit codes")[2].partition("## predict")[0]
    assert re.search(rf"\b{getattr(reporting, name)}\b", codes)


@pytest.mark.parametrize("format", sorted({*readers.FORMATS, *rows.FORMATS}))
def test_formats(format: str) -> None:
    assert f"`{format}`" in PAGE


@pytest.mark.parametrize("suffix", readers.SUFFIXES)
def test_suffixes(suffix: str) -> None:
    assert f"`{suffix}`" in PAGE
