"""The name in a path or a body of a dialect → the task, and the model if the name is that of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def find_model(name: str, models: Sequence[ModelInfo]) -> ModelInfo:
    """Return the model that a name means: that of a model, of a task, or of a pipeline of Hugging Face.

    Args:
        name: `ner-en`, `owner/ner-en`, `ner`, `token-classification`. A task means its first model.
        models: The loaded models.

    Raises:
        NotFound: There is none.
    """
    last = name.rpartition("/")[2]
    for model in models:
        if model.name in (name, last):
            return model
    for model in models:
        names = (model.task, TASKS[model.task].command, PIPELINES[model.task])
        if name in names or name.split("_", maxsplit=1)[0] in names:  # translation_en_to_zh
            return model
    served = ", ".join([*(model.name for model in models), *dict.fromkeys(m.task for m in models)])
    raise NotFound(f"{name[:_MAX_NAME_CHARS]!a} is no model or task. Served: {served}.")
