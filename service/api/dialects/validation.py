"""Validate a document of a dialect by its pydantic model."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from seqserve.errors import InputError
from service.api.faults import describe_faults

Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], document: object) -> Model:
    """Return a document as its model.

    Raises:
        InputError: A field is missing, unknown, of the wrong type or out of range; all are named.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise InputError(describe_faults(faults, list(model.model_fields))) from None
