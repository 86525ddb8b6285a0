"""Strict dataclass configs: a mapping in, a frozen dataclass out, an unknown key is an error.

Defaults live in the dataclasses and nowhere else; a recipe or a bundle's config.json holds only values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin

import cattrs
from cattrs.errors import IterableValidationNote
from cattrs.gen import make_dict_structure_fn, make_mapping_structure_fn
from cattrs.v import format_exception

from seqserve.errors import ConfigError, SeqserveError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Config = TypeVar("Config", bound="DataclassInstance")

_CONVERTER = cattrs.Converter(forbid_extra_keys=True)
_MAX_SHOWN = 60  # characters of a value in a message


class _WrongValue(Exception):
    """A value of another type than the field; the message says what was expected."""


def _shown(value: Any) -> str:
    """Return the start of a value, for messages."""
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}..."


def _got(value: Any) -> str:
    return f"got {type(value).__name__} ({_shown(value)})"


def _explain(error: BaseException, kind: type | None) -> str:
    """Return our message where we found the problem, such as a range, else the library's."""
    if isinstance(error, _WrongValue | ValueError | SeqserveError):
        return str(error)
    return format_exception(error, kind)


@dataclass(frozen=True)
class _Problem:
    """What is wrong, and the dataclass of the table in which it is."""

    text: str
    table: type


def _problems(
    error: BaseException, where: str, table: type, kind: type | None = None
) -> Iterator[_Problem]:
    """Yield what is wrong and where; `cattrs.transform_error` loses our messages inside of lists."""
    if not isinstance(error, cattrs.ClassValidationError | cattrs.IterableValidationError):
        yield _Problem(f"{_explain(error, kind)} @ {where}", table)
        return
    if is_dataclass(error.cl):
        table = error.cl
    placed, others = error.group_exceptions()
    for inner, note in placed:
        place = f"[{note.index!r}]" if isinstance(note, IterableValidationNote) else f".{note.name}"
        yield from _problems(inner, where + place, table, note.type)
    for inner in others:
        yield from _problems(inner, where, table)


def _structure_plain(value: Any, kind: type) -> Any:
    """Take an int where a float is wanted, and nothing else that merely converts."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _WrongValue(f"expected a number of at most 1.8e308, {_got(value)}") from None
    if type(value) is not kind:
        raise _WrongValue(f"expected {kind.__name__}, {_got(value)}")
    return value


def _structure_tuple(value: Any, kind: Any) -> Any:
    """Take a list or a tuple, and not a string, which would fall apart into characters."""
    if not isinstance(value, list | tuple):
        raise _WrongValue(f"expected a list, {_got(value)}")
    kinds = get_args(kind)
    if kinds[1:] == (...,):
        return tuple(_CONVERTER.structure(value, list[kinds[0]]))  # type: ignore[valid-type]
    if len(kinds) != len(value):
        raise _WrongValue(f"expected {len(kinds)} values, got {len(value)} ({_shown(value)})")
    return tuple(_CONVERTER.structure(v, k) for v, k in zip(value, kinds, strict=True))


def _structure_literal(value: Any, kind: Any) -> Any:
    """Take one of the values that are named; 1 is not True."""
    if not any(value == allowed and type(value) is type(allowed) for allowed in get_args(kind)):
        raise _WrongValue(
            f"expected one of {', '.join(map(str, get_args(kind)))}, got {_shown(value)}"
        )
    return value


def _tables_only(structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a hook that takes tables and refuses all else, of which the library's messages say nothing."""

    def checked(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _WrongValue(f"expected a table, {_got(value)}")
        return structure(value, kind)

    return checked


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (dict, Mapping)


def _structure_mapping(kind: Any) -> Callable[[Any, Any], Any]:
    return _tables_only(make_mapping_structure_fn(kind, _CONVERTER))


def _structure_dataclass(kind: Any) -> Callable[[Any, Any], Any]:
    return _tables_only(make_dict_structure_fn(kind, _CONVERTER, _cattrs_forbid_extra_keys=True))


for _kind in (int, float, bool, str):
    _CONVERTER.register_structure_hook(_kind, _structure_plain)
_CONVERTER.register_structure_hook_func(lambda kind: get_origin(kind) is tuple, _structure_tuple)
_CONVERTER.register_structure_hook_func(
    lambda kind: get_origin(kind) is Literal, _structure_literal
)
_CONVERTER.register_structure_hook_factory(is_dataclass, _structure_dataclass)
_CONVERTER.register_structure_hook_factory(_is_mapping, _structure_mapping)


def from_mapping(cls: type[Config], values: object, where: str) -> Config:
    """Build a config dataclass from plain values.

    Args:
        cls: The dataclass to build; nested dataclasses, tuples and literals are understood.
        values: A table of TOML or an object of JSON, as parsed.
        where: File or section that the values come from, for the error message.

    Raises:
        ConfigError: The values are no table, or there is an unknown key, a missing one, or a value of the wrong
            type; names all of them, and the known keys of the tables in which they are.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"expected a table, {_got(values)} @ {where}")
    try:
        return _CONVERTER.structure(dict(values), cls)
    except (cattrs.BaseValidationError, cattrs.errors.ForbiddenExtraKeysError) as error:
        problems = list(_problems(error, where, cls))
        known = [
            f"Known keys of {table.__name__}: {', '.join(field.name for field in fields(table))}"
            for table in dict.fromkeys(problem.table for problem in problems)
        ]
        found = "; ".join(problem.text for problem in problems)
        raise ConfigError(". ".join([found, *known])) from error


def to_mapping(config: DataclassInstance) -> dict[str, Any]:
    """Return the config as plain values for JSON; `from_mapping` reads them."""
    plain: dict[str, Any] = _CONVERTER.unstructure(config) if fields(config) else asdict(config)
    return plain


def refuse_below_one(config: DataclassInstance, names: Sequence[str], where: str) -> None:
    """Check counts of a config.

    Raises:
        ConfigError: One of the fields is below 1; says which, and `where` it is.
    """
    for name in names:
        if getattr(config, name) < 1:
            raise ConfigError(f"{where} {name} is {getattr(config, name)}; it must be at least 1")
