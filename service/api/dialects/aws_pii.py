"""Personal data with the types of Amazon Comprehend: names by the model, the rest by rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqserve.text.pii.overlaps import without_overlaps
from seqserve.text.pii.table import PiiKind
from service.api.dialects.aws_shapes import Json
from service.api.personal_data import RULE_SCORE

OF_RULES: Mapping[PiiKind, str] = {
    "email": "EMAIL",
    "iban": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "card": "CREDIT_DEBIT_NUMBER",
    "ip_address": "IP_ADDRESS",
    "phone": "PHONE",
}
_PERSONS = ("PER", "PERSON")


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    kind: str
    score: float


def pii_of(result: Mapping[str, Any]) -> Json:
    """Return the personal data of a result, in text order."""
    entities = [
        {"Score": one.score, "Type": one.kind, "BeginOffset": one.start, "EndOffset": one.end}
        for one in _found(result)
    ]
    return {"Entities": entities}


def pii_labels_of(result: Mapping[str, Any]) -> Json:
    """Return the types of personal data of a result, each with its highest score."""
    scores: dict[str, float] = {}
    for one in _found(result):
        scores[one.kind] = max(one.score, scores.get(one.kind, 0.0))
    return {"Labels": [{"Name": name, "Score": score} for name, score in scores.items()]}


def _found(result: Mapping[str, Any]) -> list[_Found]:
    """Return what the rules and the model found; where they overlap, the rules are right."""
    by_rules = [
        _Found(one.start, one.end, OF_RULES[one.kind], RULE_SCORE) for one in result["rules"]
    ]
    names = [
        _Found(one["start"], one["end"], "NAME", one["score"])
        for one in result["entities"]
        if one["label"].upper() in _PERSONS
    ]
    return without_overlaps([*by_rules, *names])
