"""The reference of recipe keys in docs/training.md, made from the dataclasses and their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from seqserve.models.architectures import ARCHITECTURES
from seqserve.tasks import TASKS
from seqserve.training.recipe import (
    AblationConfig,
    CardConfig,
    ExportConfig,
    LoopConfig,
    Recipe,
    Variant,
)
from seqserve.training.recipe_data import DataSet
from seqserve.training.run import SETUPS

SECTION = "recipe-keys"
"""The name of the part of the page, for `replace_section`."""

HEAD = ("key", "type", "default", "meaning")
_SHARED: dict[str, type[Any]] = {
    "Top level": Recipe,
    "`[loop]`": LoopConfig,
    "`[[data.train]]`, `[[data.dev]]`, `[[data.test]]`, `[[data.calibration]]`": DataSet,
    "`[export]`": ExportConfig,
    "`[card]`": CardConfig,
    "`[ablation]`": AblationConfig,
    "`[[ablation.variants]]`": Variant,
}
# Set by read_recipe, and by the tokenizer.
_NOT_IN_FILES = {"Recipe.path", "TransformerConfig.pad_id", "TransformerConfig.end_id"}
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def recipe_reference() -> str:
    """Return one Markdown table per table of a recipe, in the order of use."""
    sections = [(title, list(key_rows(cls))) for title, cls in _SHARED.items()]
    for task, spec in TASKS.items():
        title = spec.title.lower()
        text = SETUPS[task].text_config
        sections += [(f"{name}, {title}", rows) for name, rows in _tables("`[text]`", text)]
    sections += _architectures()
    return "\n\n".join(_markdown(title, rows) for title, rows in sections)


def _architectures() -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield the table of every architecture, once for all tasks that share it, with its title."""
    tasks: dict[tuple[str, type[Any]], list[str]] = {}
    for task, known in ARCHITECTURES.items():
        for name, architecture in known.items():
            tasks.setdefault((name, architecture.config), []).append(TASKS[task].title.lower())
    for (name, config), titles in tasks.items():
        title = f"`[model]`, {' and '.join(titles)}: `{name}`"
        yield title, list(key_rows(config, is_sized_by_data=True))


def key_rows(cls: type[Any], *, is_sized_by_data: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield key, type, default and meaning of every field of a config dataclass, its own before inherited ones.

    Args:
        cls: The dataclass; its docstring has an `Args:` section.
        is_sized_by_data: Whether the fields without a default are decided by the data, not by the recipe.
    """
    types, meanings = get_type_hints(cls), described(cls)
    for one in sorted(fields(cls), key=lambda field: field.name not in cls.__annotations__):
        is_required = one.default is MISSING and one.default_factory is MISSING
        if f"{cls.__name__}.{one.name}" in _NOT_IN_FILES or (is_sized_by_data and is_required):
            continue
        default = "required" if is_required else _default(one)
        kind, meaning = _type(types[one.name]), meanings.get(one.name, "")
        yield tuple(cell.replace("|", "\\|") for cell in (f"`{one.name}`", kind, default, meaning))


def described(cls: type[Any]) -> dict[str, str]:
    """Return the text of every name in the `Args:` sections of a class and its bases, Google style."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        found |= _described_in(inspect.cleandoc(one.__doc__ or ""))
    return found


def _described_in(docstring: str) -> dict[str, str]:
    _, _, rest = docstring.partition("\nArgs:\n")
    section = re.split(r"\n\n?(?=\S)", rest, maxsplit=1)[0]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _tables(name: str, cls: type[Any]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Yield the tables of a config and of the configs inside it, `[loop]` aside, with their titles."""
    yield name, list(key_rows(cls))
    for key, kind in get_type_hints(cls).items():
        inner = next((k for k in (kind, *get_args(kind)) if is_dataclass(k)), None)
        if isinstance(inner, type) and inner is not LoopConfig:
            is_list = get_origin(kind) is tuple
            bare = name.strip("`[]")
            of_inner = f"{bare}.{key}"
            yield from _tables(f"`[[{of_inner}]]`" if is_list else f"`[{of_inner}]`", inner)


def _markdown(title: str, rows: list[tuple[str, ...]]) -> str:
    lines = [f"### {title}", "", f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _default(one: Field[Any]) -> str:
    """Return a default as one writes it in TOML; nothing for tables and for none."""
    value = one.default if one.default is not MISSING else None
    if value is None or value in ("", ()):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(kind: Any) -> str:
    """Return a type in words."""
    origin, inner = get_origin(kind), [k for k in get_args(kind) if k is not type(None)]
    if origin is Literal:
        return ", ".join(f"`{str(k).lower() if isinstance(k, bool) else k}`" for k in inner)
    if origin in (Union, UnionType):
        return " or ".join(map(_type, inner))
    if origin is tuple:
        is_list = inner[1:] == [...]
        one = re.sub("^list", "lists", _type(inner[0]))
        several = one if one.startswith("lists") else f"{one}s"
        return f"list of {several}" if is_list else f"{len(inner)} {several}"
    return "table" if is_dataclass(kind) or origin is dict else _TYPES[kind]
