"""What the head of an encoder checkpoint answers: its task, its labels and what a score is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from seqserve.choices import ScoreKind
from seqserve.errors import CheckpointError
from seqserve.records import NEUTRAL
from seqserve.tasks import Task
from seqserve.text.tag_schemes import is_outside

Activation = Literal["softmax", "sigmoid"]

TOKEN, SEQUENCE = "ForTokenClassification", "ForSequenceClassification"
"""Ends of the names of the classes that can be imported."""

_POLARITY = {
    "positive": "positive",
    "pos": "positive",
    "negative": "negative",
    "neg": "negative",
    "neutral": NEUTRAL,
    "neu": NEUTRAL,
}
_POLARITY_SETS = ({"negative", "positive"}, {"negative", "positive", NEUTRAL})
_ACTIVATIONS: Mapping[str | None, Activation] = {
    None: "softmax",
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
}
_NO_OUTSIDE = (
    "No label is O (outside), so every word is part of an entity: set id2label in config.json if one of them "
    "means that there is none."
)


@dataclass(frozen=True)
class Head:
    """A head.

    Args:
        task: What the model does.
        is_pooled: Whether it is a sequence head instead of a token head.
        labels: In the order of its outputs: tags of a token head as the checkpoint has them; those of
            sentiment as the task spells them.
        activation: What makes probabilities of the logits.
        score_kind: What a score is.
        warnings: A sentence each.
    """

    task: Task
    is_pooled: bool
    labels: tuple[str, ...]
    activation: Activation
    score_kind: ScoreKind
    warnings: tuple[str, ...]


def is_pooled_head(config: Mapping[str, Any], class_prefix: str) -> bool:
    """Return whether a checkpoint has a sequence head instead of a token head.

    Args:
        config: Of the checkpoint.
        class_prefix: Of the family.

    Raises:
        CheckpointError: It has neither.
    """
    allowed = [class_prefix + TOKEN, class_prefix + SEQUENCE]
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and named else None
    if name not in allowed:
        said = (
            f"of the class {name}" if name else "of no named class (architectures in config.json)"
        )
        raise CheckpointError(
            f"the checkpoint is {said}; only {' and '.join(allowed)} can be imported: "
            "fine-tune the model for one of these, and save it with save_pretrained"
        )
    return bool(name == allowed[1])


def read_head(config: Mapping[str, Any], is_pooled: bool, n_outputs: int) -> Head:
    """Read labels and task from config.json.

    Args:
        config: Of the checkpoint.
        is_pooled: Whether it has a sequence head.
        n_outputs: How many logits the head has.

    Raises:
        CheckpointError: The labels do not fit the head, or it is one that computes numbers, not labels.
    """
    if is_pooled:
        activation = _activation(config, n_outputs)
    labels, warnings = _labels(config, n_outputs)
    if not is_pooled:
        if not any(is_outside(label.strip()) for label in labels):
            warnings = (*warnings, _NO_OUTSIDE)
        return Head("ner", False, labels, "softmax", "posterior", warnings)
    spelled = [_POLARITY.get(label.strip().lower(), "") for label in labels]
    is_polarity = len(set(spelled)) == len(labels) and set(spelled) in _POLARITY_SETS
    if is_polarity and activation == "softmax":
        return Head("sentiment", True, tuple(spelled), activation, activation, warnings)
    return Head("classification", True, labels, activation, activation, warnings)


def _activation(config: Mapping[str, Any], n_outputs: int) -> Activation:
    problem = config.get("problem_type")
    if problem == "regression":
        raise CheckpointError(
            "the head computes a number (problem_type regression), and no task answers with one: "
            "only heads with two labels or more can be imported"
        )
    if n_outputs == 1:
        raise CheckpointError(
            "the head has one output, so it computes a number or decides one label by itself: "
            "only heads with two labels or more can be imported"
        )
    if problem not in list(_ACTIVATIONS):
        allowed = ", ".join(str(name) for name in _ACTIVATIONS if name)
        raise CheckpointError(f"problem_type is {problem!r}; allowed are {allowed}")
    return _ACTIVATIONS[problem]


def _labels(config: Mapping[str, Any], n_outputs: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels of the outputs, and warnings."""
    found = config.get("id2label")
    if found is None:
        # Transformers leaves out its default, two labels without names.
        n_labels = config.get("num_labels")
        n_labels = n_labels if isinstance(n_labels, int) else 2
        found = {str(i): f"LABEL_{i}" for i in range(n_labels)}
    if not isinstance(found, Mapping) or not all(isinstance(v, str) for v in found.values()):
        raise CheckpointError("id2label in config.json must map the numbers of outputs to names")
    if set(found) != {str(i) for i in range(n_outputs)}:
        raise CheckpointError(
            f"the head has {n_outputs} outputs, and id2label in config.json names {len(found)} "
            f"({', '.join(list(found)[:5])}); it must name 0 to {n_outputs - 1}"
        )
    labels = tuple(found[str(i)] for i in range(n_outputs))
    if "" in {label.strip() for label in labels}:
        raise CheckpointError("id2label in config.json has an empty name")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise CheckpointError(f"id2label in config.json has {twice[0]!r} twice: names must differ")
    if any(label.startswith("LABEL_") for label in labels):
        return labels, (
            "Labels have no names (LABEL_0, ...): set id2label in config.json. It also happens to a head "
            "that was never trained, whose answers are random.",
        )
    return labels, ()
