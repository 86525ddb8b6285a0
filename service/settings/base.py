"""What all groups of settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PREFIX = "SEQSERVE_"


class Group(BaseModel):
    """Some of the settings; `Settings` has those of all groups."""

    model_config = ConfigDict(frozen=True)


def split_list(value: object) -> object:
    """Return the parts of a string that commas separate; other values stay."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]
