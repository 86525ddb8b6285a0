"""The name in a path or a body of a dialect → the task, and the model if the name is that of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seqserve.errors import NotFound
from seqserve.model_info import ModelInfo
from seqserve.tasks import TASKS, Task

PIPELINES: Mapping[Task, str] = {
    "ner": "token-classification",
    "sentiment": "text-classification",
    "classification": "text-classification",
    "translation": "translation",
}
"""What Hugging Face calls the tasks."""


_MAX_NAME_CHARS = 40


@dataclass(frozen=True)
class Named:
    """What a name means.

    Args:
        model: The model; of a task, its default one.
        name: What the request of the core is to name: the id of the model; None if the name is that of a task.
    """

    model: ModelInfo
    name: str | None

    @property
    def task(self) -> Task:
        """The task of the model."""
        return self.model.task


def find_model(name: str, models: Sequence[ModelInfo], version: str | None = None) -> Named:
    """Return what a name means: a model, a task, or a pipeline of Hugging Face.

    Args:
        name: `ner-en`, `ner-en@1.0.0`, `owner/ner-en`, `ner`, `token-classification`.
        models: Those of the server; of a task in order of preference.
        version: Of the model, where the request has one beside the name.

    Raises:
        NotFound: There is none.
    """
    last = name.rpartition("/")[2]
    for model in models:
        if {model.name, model.id} & {name, last} and version in (None, model.version):
            return Named(model, last if version is None else model.id)
    ours = [model for model in models if {name, name.partition("_")[0]} & _names(model.task)]
    of_version = [model for model in ours if version in (None, model.version)]
    if of_version:
        default = next((model for model in of_version if model.is_default), of_version[0])
        return Named(default, None if version is None else default.id)
    shown = f"{name[:_MAX_NAME_CHARS]!a}"
    if version is not None:
        shown += f" in version {version[:_MAX_NAME_CHARS]!a}"
    tasks = dict.fromkeys(model.task for model in models)
    served = ", ".join([*(model.id for model in models), *tasks])
    raise NotFound(f"There is no model or task {shown}. Served: {served}.")


def _names(task: Task) -> set[str]:
    """Return the names of a task; that of a pipeline may have languages behind it: translation_en_to_zh."""
    return {task, TASKS[task].command, PIPELINES[task]}
