"""How certain a model is of its whole answer about a text: Label Studio sorts the tasks of a project by it.

| task | certainty |
|---|---|
| ner | the lowest probability of a sentence that its entities are exactly these |
| sentiment, classification | the probability of the label |
| classification with several labels | the lowest probability that a label is decided rightly |
| translation | the geometric mean of the probabilities of its tokens |

A blank text has the certainty 1: there is nothing to label. Of entities from a graph without alternatives, the
certainty is the lowest score, and 0 without any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from seqserve.choices import ScoreKind
from seqserve.model_info import ModelInfo
from seqserve.tasks import TASKS, Task

Fields: TypeAlias = Mapping[str, Any]

N_ALTERNATIVES: Mapping[Task, int] = {"ner": 1}
"""What is requested for the certainty: the most probable labeling of every sentence, with its probability."""


def certainty_of(model: ModelInfo, result: Fields) -> float:
    """Return the certainty of a result, from 0 to 1.

    Args:
        model: The model that answered.
        result: The fields of the task's result.
    """
    kind = model.score_kind or TASKS[model.task].score_kind
    return _CERTAINTIES[model.task](result, kind)


def _of_entities(result: Fields, kind: ScoreKind) -> float:
    if "alternatives" in result:
        sentences = (one["labelings"][0]["probability"] for one in result["alternatives"])
        return float(min(sentences, default=1.0))
    return float(min((entity["score"] for entity in result["entities"]), default=0.0))


def _of_labels(result: Fields, kind: ScoreKind) -> float:
    scores = result["scores"].values()
    if kind == "sigmoid":
        return float(min((max(one, 1 - one) for one in scores), default=1.0))
    return float(max(scores, default=1.0))


def _of_translation(result: Fields, kind: ScoreKind) -> float:
    return math.exp(result["score"])


_CERTAINTIES: Mapping[Task, Callable[[Fields, ScoreKind], float]] = {
    "ner": _of_entities,
    "sentiment": _of_labels,
    "classification": _of_labels,
    "translation": _of_translation,
}
