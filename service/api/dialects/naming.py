"""The name in a path or a body of a dialect → the task, and the model if the name is that of one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seqserve.errors import InputError, NotFound
from seqserve.model_info import ModelInfo
from seqserve.quoting import cut
from seqserve.tasks import TASKS, Task
from seqserve.text.languages import match_tag
from service.api.pairs import models_of_pair

PIPELINES: Mapping[Task, str] = {
    "ner": "token-classification",
    "sentiment": "text-classification",
    "classification": "text-classification",
    "translation": "translation",
}
"""What Hugging Face calls the tasks."""

_OF_PAIR = re.compile(r"(?P<task>[a-z]+)_(?P<source>.+?)_to_(?P<target>.+)")


@dataclass(frozen=True)
class Named:
    """What a name means.

    Args:
        model: The model; of a task, its default one.
        name: What the request of the core is to name: the id of the model; None if the name is that of a task.
        languages: Source and target, if the name has them.
    """

    model: ModelInfo
    name: str | None
    languages: tuple[str | None, str | None] = (None, None)

    @property
    def task(self) -> Task:
        """The task of the model."""
        return self.model.task

    def languages_with(self, given: Mapping[str, str | None]) -> tuple[str | None, str | None]:
        """Return source and target of a request: as it gives them, or else as the name has them.

        Args:
            given: The two languages, by the names of their fields.

        Raises:
            InputError: Request and name have different languages.
        """
        for (field, tag), of_name in zip(given.items(), self.languages, strict=True):
            if tag is not None and of_name is not None and match_tag(tag, of_name) is None:
                raise InputError(
                    f"{field}: got {cut(tag)!a}, but the path names {cut(of_name)!a}; leave one out."
                )
        source, target = (
            of_name if tag is None else tag
            for tag, of_name in zip(given.values(), self.languages, strict=True)
        )
        return source, target


def find_model(name: str, models: Sequence[ModelInfo], version: str | None = None) -> Named:
    """Return what a name means: a model, a task, or a pipeline of Hugging Face.

    Args:
        name: `ner-en`, `ner-en@1.0.0`, `owner/ner-en`, `ner`, `token-classification`, `translation_en_to_zh`.
        models: Those of the server; of a task in order of preference.
        version: Of the model, where the request has one beside the name.

    Raises:
        NotFound: There is none.
        UnsupportedLanguagePair: No model translates between the languages of the name.
    """
    last = name.rpartition("/")[2]
    for model in models:
        if {model.name, model.id} & {name, last} and version in (None, model.version):
            return Named(model, last if version is None else model.id)
    of_pair = _OF_PAIR.fullmatch(name)
    ours = [
        model
        for model in models
        if version in (None, model.version) and _is_named(model.task, name, of_pair)
    ]
    if ours and of_pair:
        languages = (of_pair["source"], of_pair["target"])
        best = models_of_pair(*languages, ours)[0]
        return Named(best, None if version is None else best.id, languages)
    if ours:
        default = next((model for model in ours if model.is_default), ours[0])
        return Named(default, None if version is None else default.id)
    shown = f"{cut(name)!a}"
    if version is not None:
        shown += f" in version {cut(version)!a}"
    tasks = dict.fromkeys(model.task for model in models)
    served = ", ".join([*(model.id for model in models), *tasks])
    raise NotFound(f"There is no model or task {shown}. Served: {served}.")


def _is_named(task: Task, name: str, of_pair: re.Match[str] | None) -> bool:
    """Return whether a name is that of a task, or of its pipeline for a pair of languages."""
    if of_pair:
        return TASKS[task].is_pair and of_pair["task"] in {task, PIPELINES[task]}
    return name in {task, TASKS[task].command, PIPELINES[task]}
