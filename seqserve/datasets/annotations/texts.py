"""Which field of a record is its text, and which names its document."""

from __future__ import annotations

from seqserve.datasets.annotations.fields import Fields
from seqserve.datasets.annotations.options import ReadOptions
from seqserve.errors import DataError
from seqserve.quoting import cut

TEXT = "text"


def text_field_of(fields: Fields, options: ReadOptions, *, may_be_any: bool = False) -> str:
    """Return the name of the field with the text: the named one, or `text`.

    Args:
        fields: Of the record or of its data.
        options: May name the field.
        may_be_any: Whether the only field with a string is the text, too.

    Raises:
        DataError: There is none.
    """
    strings = [name for name, value in fields.values.items() if isinstance(value, str)]
    named = options.text_field or (TEXT if TEXT in fields.values else "")
    if named in fields.values:
        return named
    if options.text_field or not may_be_any or len(strings) != 1:
        listed = ", ".join(map(cut, strings)) or "none"
        raise DataError(
            f"{fields.where}: {cut(fields.named(named or TEXT))} is missing; name the field of the text with "
            f"--field. Fields with a string: {listed}"
        )
    return strings[0]


def text_of(fields: Fields, options: ReadOptions, *, may_be_any: bool = False) -> str:
    """Return the text of a record.

    Raises:
        DataError: As for `text_field_of`; or it is no string.
    """
    return fields.string(text_field_of(fields, options, may_be_any=may_be_any))


def document_of(options: ReadOptions, record: Fields, inner: str = "") -> str:
    """Return the name of a record's document; empty if the texts are the documents.

    Args:
        options: May name the field.
        record: Where the field may be.
        inner: Name of an object of the record that may have it, too.

    Raises:
        DataError: The field is in neither, or is neither a string nor a number.
    """
    name = options.document_field
    if not name:
        return ""
    for fields in (record, record.object(inner)) if inner else (record,):
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return str(value)
        if value is not None:
            raise fields.wrong(name, "a string or a number (--document)")
    raise DataError(f"{record.where}: has no field {cut(name)} (--document)")
