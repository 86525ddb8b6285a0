"""What is asked of every text of a file: a task and its options, checked as the service checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqserve.bulk.records import Refusal
from seqserve.errors import ConfigError, InputError, SeqserveError
from seqserve.tasks import Task as TaskName
from service.api.core import PredictionRequest, check_texts
from service.api.dialects.native import parse_request
from service.api.schemas import SCHEMAS
from service.settings import Settings

_INDEX = re.compile(r"\btext\[\d+\]")  # of a request that nobody sees
_INTERNAL = "The model failed at this text."


@dataclass(frozen=True)
class Job:
    """Goes to worker processes as it is.

    Args:
        name: Of the task.
        options: Fields of the request beside `text`, those that are set.
        settings: Limits, and where the bundles are.
    """

    name: TaskName
    options: Mapping[str, Any]
    settings: Settings

    def request(self, text: str) -> PredictionRequest:
        """Give the request with one text.

        Raises:
            InputError: The service would refuse it.
        """
        document = {"text": text, **self.options}
        request = parse_request(SCHEMAS[self.name], document, self.settings)
        check_texts(request.texts, self.settings)
        return request


@dataclass(frozen=True)
class Model:
    """Which model answers; `languages` as in its manifest."""

    name: str
    version: str
    languages: tuple[str, ...]


def check_options(job: Job) -> None:
    """See whether the options are allowed, whatever the text.

    Raises:
        ConfigError: One is not.
    """
    try:
        job.request("text")
    except InputError as error:
        raise ConfigError(str(error)) from None


def refusal(error: SeqserveError) -> Refusal:
    """Say why a text has no answer."""
    return Refusal(error.code, _INDEX.sub("text", str(error)) or _INTERNAL)
