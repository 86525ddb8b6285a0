"""Which texts of a request the engine gets, and what the others get instead of its result.

A blank text never reaches the queue: its result is empty. A text at fault fails its request, unless the
request is partial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqserve.choices import OnBlank
from seqserve.errors import (
    INTERNAL_SENTENCE,
    BodyTooLarge,
    InputError,
    SeqserveError,
    TextFailed,
    TextTooLong,
    TooManyTexts,
    UnavailableError,
)
from seqserve.records import TextError
from seqserve.tasks import TASKS, Task
from seqserve.text.visible import is_blank
from service.api.rounding import ScoreRounder
from service.engines.messages import InferenceResult, to_inference_result
from service.settings import Settings

_ROUNDERS = {name: ScoreRounder(spec.result) for name, spec in TASKS.items()}


def check_count(n_texts: int, settings: Settings) -> None:
    """Refuse a request with too many texts, before any of them is looked at.

    Raises:
        TooManyTexts: There are more texts than the limit.
    """
    if n_texts > settings.max_texts:
        raise TooManyTexts(
            f"text has {n_texts} texts; the limit is {settings.max_texts}. "
            "Split the request, or raise SEQSERVE_MAX_TEXTS."
        )


def check_total(task: Task, texts: Sequence[str], settings: Settings) -> None:
    """Refuse texts that have too many characters together.

    Args:
        task: What to compute.
        texts: Those that the engine is to get.
        settings: Limits of a request.

    Raises:
        BodyTooLarge: They have more characters than the limit.
    """
    n_chars, limit = sum(map(len, texts)), settings.max_chars_of(task)
    if n_chars > limit:
        raise BodyTooLarge(
            f"text has {n_chars} characters in {len(texts)} texts; the limit is {limit}. "
            f"Split the request, or raise {settings.max_chars_variable(task)}."
        )


def set_aside(
    task: Task, texts: Sequence[str], on_blank: OnBlank, settings: Settings
) -> dict[int, InputError | None]:
    """Return the texts that the engine does not get, by index: with None if blank, or with their faults."""
    limit = settings.max_text_chars_of(task)
    aside: dict[int, InputError | None] = {}
    for index, text in enumerate(texts):
        if len(text) > limit:
            aside[index] = TextTooLong(
                f"has {len(text)} characters; the limit is {limit}. "
                f"Split it, or raise {settings.max_chars_variable(task, of_one_text=True)}."
            )
        elif is_blank(text):
            aside[index] = (
                InputError("is blank: it has no visible character.")
                if on_blank == "error"
                else None
            )
    return aside


def name_text(index: int, error: SeqserveError) -> InputError | TextFailed:
    """Return the error of a request for the error of one of its texts, with the index of the text."""
    where = f"text[{index}]"
    if isinstance(error, InputError):
        return type(error)(f"{where}: {error}")
    return TextFailed(f"{where} could not be processed. {INTERNAL_SENTENCE}")


def text_error(error: SeqserveError) -> TextError:
    """Return the public part of the error of one text."""
    detail = f"text could not be processed. {INTERNAL_SENTENCE}"
    if isinstance(error, InputError):
        detail = f"text: {error}"
    elif isinstance(error, UnavailableError):
        detail = str(error)
    return TextError(error.code, error.title, detail)


def requested_fields(
    task: Task, result: InferenceResult, item: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a result as every dialect shows them: the requested parts, scores rounded."""
    fields = dict(TASKS[task].requested(result.fields, item))
    _ROUNDERS[task].round_in(fields)
    return fields


def empty_fields(task: Task, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the result of a blank text."""
    empty = TASKS[task].result.empty(item["text"])
    return requested_fields(task, to_inference_result(empty), item)
