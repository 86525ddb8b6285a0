"""Verify that docs/api.md documents the whole client."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import fields

import pytest

from seqserve import client, errors
from seqserve.client import Answer, AsyncClient, Client, Model, Policy, Receipt
from seqserve.client.problems import BY_CODE
from tests.docs.pages import ROOT, prose_of

PAGE = prose_of(ROOT / "docs" / "api.md")
TEXT = PAGE.partition("## Python client")[2].partition("## JavaScript")[0]


def arguments_of(method: Callable[..., object]) -> str:
    """Return the arguments of a method as the page writes them: no types, no default of options."""
    shown = []
    for one in list(inspect.signature(method).parameters.values())[1:]:
        is_option = one.kind is inspect.Parameter.KEYWORD_ONLY
        if is_option and "*" not in shown:
            shown.append("*")
        has_default = one.default is not inspect.Parameter.empty and not is_option
        shown.append(f"{one.name}={one.default}" if has_default else one.name)
    return ", ".join(shown)


def test_methods_and_their_options() -> None:
    for name, method in vars(Client).items():
        if not name.startswith("_") and inspect.isfunction(method):
            assert f"`{name}({arguments_of(method)})`" in TEXT
    assert "`aclose()`" in TEXT and hasattr(AsyncClient, "aclose")


def test_arguments_of_the_clients() -> None:
    for one in list(inspect.signature(Client).parameters.values()):
        assert re.search(rf"[`, (]{one.name}[`,=]", TEXT), one.name
    assert inspect.signature(Client).parameters["timeout_s"].default == 60
    assert "60 seconds" in TEXT


def test_fields_of_the_policy_with_their_defaults() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|", TEXT, re.MULTILINE)
    shown: dict[str, str] = {}
    for names, defaults in rows:
        found = re.findall(r"\w+", names)
        shown |= dict(zip(found, defaults.replace("`", "").split(", "), strict=False))
    for one in fields(Policy):
        assert float(ast.literal_eval(shown[one.name])) == float(one.default), one.name


@pytest.mark.parametrize("kind", BY_CODE.values(), ids=lambda kind: kind.code)
def test_errors(kind: type[errors.SeqserveError]) -> None:
    assert f"`{kind.__name__}`" in TEXT


def test_all_that_can_be_imported() -> None:
    # Described by their fields, in the table of methods.
    returned = (Answer.__module__, Model.__module__, "seqserve.records.")
    others = {
        name for name in client.__all__ if not vars(client)[name].__module__.startswith(returned)
    }
    for name in others | {"TextError"}:
        assert f"`{name}`" in TEXT, name
    for one in fields(Receipt):
        assert f"`{one.name}`" in TEXT
