"""The reference of recipe keys is complete, and docs/training.md has it as the code does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from seqserve.models.architectures import ARCHITECTURES
from seqserve.training.recipe import LoopConfig, Recipe
from seqserve.training.recipe_data import DataSet
from seqserve.training.reference import SECTION, described, key_rows, recipe_reference

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_page_is_what_the_code_says() -> None:
    """If this fails: make docs."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"<!-- {SECTION} -->\n")
    assert rest.partition(f"\n<!-- /{SECTION} -->")[0] == recipe_reference()


def test_every_key_has_a_meaning() -> None:
    rows = [line for line in recipe_reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 70
    assert [row for row in rows if not row.endswith(". |")] == []


@pytest.mark.parametrize("name", ARCHITECTURES["sentiment"])
def test_every_architecture_has_a_table(name: str) -> None:
    """Sentiment and classification share theirs."""
    title = f"### `[model]`, sentiment and classification: `{name}`"
    assert recipe_reference().splitlines().count(title) == 1


@pytest.mark.parametrize("title", ["[loop]", "[ablation]", "[text.reader]", "[text.pretraining]"])
def test_tables_are_described(title: str) -> None:
    assert f"### `{title}`" in recipe_reference()


@dataclass(frozen=True)
class Inner:
    """Below another."""


@dataclass(frozen=True)
class Example:
    """Every kind of key.

    Args:
        number: A number, with a text
            of two lines.
        several: Some | of them.
        pair: Two.
        maybe: Or nothing.
        choice: One of these.
        either: Or a number.
        inner: A table.

    Raises:
        number: No key.
    """

    number: int
    several: tuple[str, ...] = ()
    pair: tuple[int, int] | None = None
    maybe: str | None = None
    choice: Literal["a", True] = True
    either: bool | int = False
    inner: Inner = field(default_factory=Inner)


def test_every_kind_of_key() -> None:
    assert list(key_rows(Example)) == [
        ("`number`", "integer", "required", "A number, with a text of two lines."),
        ("`several`", "list of strings", "", "Some \\| of them."),
        ("`pair`", "2 integers", "", "Two."),
        ("`maybe`", "string", "", "Or nothing."),
        ("`choice`", "`a`, `true`", "`true`", "One of these."),
        ("`either`", "boolean or integer", "`false`", "Or a number."),
        ("`inner`", "table", "", "A table."),
    ]


def test_sizes_that_the_data_decide_are_no_keys() -> None:
    for architecture in (one for known in ARCHITECTURES.values() for one in known.values()):
        keys = {row[0] for row in key_rows(architecture.config, is_sized_by_data=True)}
        assert keys and not keys & {"`n_words`", "`n_tags`", "`vocab_size`", "`pad_id`"}
    assert "`path`" in {row[0] for row in key_rows(DataSet)}
    assert "`path`" not in {row[0] for row in key_rows(Recipe)}


def test_a_docstring_without_args_describes_nothing() -> None:
    assert described(Inner) == {}
    assert described(LoopConfig)["seed"].startswith("Seed")
