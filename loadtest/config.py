"""Load TOML tables as frozen dataclasses; unknown, missing and mistyped keys are errors."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Made = TypeVar("Made")


class LoadTestError(Exception):
    """The command line, a file or the service does not allow a run; the message says what to do."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        LoadTestError: The file is missing or malformed.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadTestError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise LoadTestError(f"{path}: {error}") from error


def made_from(kind: type[Made], table: Mapping[str, Any], where: str) -> Made:
    """Build a dataclass from a table.

    Args:
        kind: A dataclass of numbers, strings, mappings, tuples and other such dataclasses.
        table: Values by field name.
        where: Location of the table, for errors.

    Raises:
        LoadTestError: A key is unknown, missing or of another type.
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - set(known)):
        raise LoadTestError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(known)}")
    if missing := [name for name in known if name not in table and _is_required(known[name])]:
        raise LoadTestError(f"{where}: {', '.join(missing)} must be set")
    hints = get_type_hints(kind)
    return kind(
        **{key: _value(hints[key], value, f"{where}.{key}") for key, value in table.items()}
    )


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {types.UnionType, Union}:  # a value that may be left out
        return _value(next(one for one in inner if one is not type(None)), value, where)
    if origin is tuple:
        _expect(value, list, where)
        return tuple(_value(inner[0], one, f"{where}[{i}]") for i, one in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        _expect(value, dict, where)
        return {key: _value(inner[1], one, f"{where}.{key}") for key, one in value.items()}
    if hasattr(hint, "__dataclass_fields__"):
        _expect(value, dict, where)
        return made_from(hint, value, where)
    if hint is float and type(value) is int:
        return float(value)
    _expect(value, hint, where)
    return value


def _expect(value: Any, kind: type, where: str) -> None:
    if type(value) is not kind:
        raise LoadTestError(f"{where} is {value!r}; it must be of type {kind.__name__}")
