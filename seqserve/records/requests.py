"""What the texts of a request have in common, whatever the task."""

from __future__ import annotations

from dataclasses import dataclass

from seqserve.choices import OnBlank
from seqserve.records.fields import option


@dataclass(frozen=True)
class RequestOptions:
    """How the texts of a request are answered together; no engine reads these options."""

    on_blank: OnBlank = option(
        "empty",
        "What a text without a visible character gets: `empty`, an empty result; `error`, a 422.",
    )
    partial: bool = option(
        False, "Answer the other texts if one fails: that one gets an `error` instead of a result."
    )
    model: str | None = option(
        None,
        "The model that is to answer: `NAME` or `NAME@VERSION`, as in `GET /v1/models`; default: for "
        "translation one that has the languages, else the default model of the task.",
        min_length=1,
        max_length=200,
    )


@dataclass(frozen=True)
class TextError:
    """Why a text has no result, as in a problem document."""

    code: str
    title: str
    detail: str


@dataclass(frozen=True)
class FailedText:
    """Takes the place of a result if `partial` was requested."""

    error: TextError
