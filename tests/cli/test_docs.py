"""docs/cli.md names every command, every option of predict, and the exit codes of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from seqserve.bulk import readers, rows
from seqserve.cli import reporting
from seqserve.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def commands(group: typer.Typer, before: str = "") -> Iterator[str]:
    for one in group.registered_commands:
        assert one.callback is not None
        name = getattr(one.callback, "__name__")  # noqa: B009
        yield f"{before}{one.name or name.replace('_', '-')}"
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from commands(below.typer_instance, f"{before}{below.name} ")


@pytest.mark.parametrize("command", list(commands(app)))
def test_every_command_is_in_the_table(command: str) -> None:
    table = PAGE.partition("## Exit codes")[0]
    assert f"`{command}`" in table


def test_the_table_names_nothing_else() -> None:
    first = [
        line.split("|")[1]
        for line in PAGE.partition("Answers go to")[0].splitlines()
        if "|" in line
    ]
    named = {word for cell in first for word in re.findall("`([^`]+)`", cell)}
    assert named == set(commands(app))


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
