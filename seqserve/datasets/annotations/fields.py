"""Typed access to the JSON values of an export; an error names the place, what came and what was expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqserve.errors import DataError

_TYPES: Sequence[tuple[type | tuple[type, ...], str]] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "an object"),
)


def type_of(value: object) -> str:
    """Return what JSON calls a value, with an article."""
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "null")


def is_integer(value: object) -> bool:
    """Return whether a value is a JSON integer."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class Fields:
    """An object of an export.

    Args:
        values: Its members.
        where: Its place, for messages.
        path: Its path from the record; empty for the record itself.
    """

    values: Mapping[str, Any]
    where: str
    path: str = ""

    @classmethod
    def of(cls, value: object, where: str, path: str = "") -> Fields:
        """Return the fields of a value.

        Raises:
            DataError: It is no object.
        """
        if not isinstance(value, dict):
            raise wrong(where, path or "the record", value, "an object")
        return cls(value, where, path)

    def named(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def get(self, name: str) -> Any:
        """Return a member; None if it is missing."""
        return self.values.get(name)

    def string(self, name: str) -> str:
        """Return a string.

        Raises:
            DataError: It is missing or something else.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "a string")
        return value

    def list(self, name: str) -> Sequence[Any]:
        """Return a list; empty if it is missing or null.

        Raises:
            DataError: It is something else.
        """
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value

    def object(self, name: str) -> Fields:
        """Return an object; an empty one if it is missing or null.

        Raises:
            DataError: It is something else.
        """
        value = self.values.get(name)
        return Fields.of({} if value is None else value, self.where, self.named(name))

    def objects(self, name: str) -> Iterator[Fields]:
        """Yield the objects of a list.

        Raises:
            DataError: It is no list of objects.
        """
        for i, value in enumerate(self.list(name)):
            yield Fields.of(value, self.where, f"{self.named(name)}[{i}]")

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a list of strings; empty if it is missing or null.

        Raises:
            DataError: It is something else.
        """
        values = self.list(name)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise wrong(self.where, f"{self.named(name)}[{i}]", value, "a string")
        return tuple(values)

    def wrong(self, name: str, expected: str) -> DataError:
        """Return the error of a member that is not what was expected."""
        if name not in self.values:
            return DataError(f"{self.where}: {self.named(name)} is missing; expected {expected}")
        return wrong(self.where, self.named(name), self.values[name], expected)


def wrong(where: str, name: str, value: object, expected: str) -> DataError:
    """Return the error of a value that is not what was expected."""
    return DataError(f"{where}: {name} is {type_of(value)}; expected {expected}")
