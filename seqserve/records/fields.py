"""How items and results declare their fields: options, parts on request, ranges."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Annotated, Any, TypeAlias


@dataclass(frozen=True)
class Range:
    """Bounds of a number, both inclusive; None is no bound."""

    minimum: float | None = None
    maximum: float | None = None


Probability: TypeAlias = Annotated[float, Range(0, 1)]


def option(default: Any, description: str = "", **bounds: int) -> Any:
    """Declare an option of a request.

    Args:
        default: Its value where the request does not set it.
        description: For the API's documentation.
        bounds: Pydantic's constraints, such as `ge`, `le` and `min_length`.
    """
    return field(default=default, metadata={"description": description, **bounds})


def on_request(name: str) -> Any:
    """Declare a part of a result that an answer has only where the option `name` of the item is set."""
    metadata = {"option": name, "description": f"Present if `{name}` was requested."}
    return field(default=(), metadata=metadata)


def internal(default: Any = None) -> Any:
    """Declare a field that is no part of the API's JSON."""
    return field(default=default, metadata={"is_internal": True})


def api_fields(kind: type[Any]) -> list[Field[Any]]:
    """Return the fields of an item or a result that the API's JSON has."""
    return [one for one in fields(kind) if not one.metadata.get("is_internal")]


def optional_parts(kind: type[Any]) -> dict[str, str]:
    """Return the parts of a result that are present on request only, with the options that request them."""
    return {one.name: one.metadata["option"] for one in fields(kind) if "option" in one.metadata}
